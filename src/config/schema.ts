import { z } from 'zod'
import { repositoryName } from '../domain/subject.ts'
import { normalisePrivateKey } from './private-key.ts'

/**
 * The whole configuration. `journeyman.yaml` explains each key where it stands; here is what may stand there.
 * Keys are written as users write them. Unknown keys are refused.
 */
const positive = z.number().positive()
const count = z.int().nonnegative()
const optionalText = z
  .string()
  .trim()
  .transform((text) => (text === '' ? null : text))
  .nullable()
const address = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ''))

const databaseAddress = optionalText.refine((text) => text === null || /^postgres(ql)?:\/\/\S+$/.test(text), {
  error: 'has to begin with postgres:// (empty: the embedded database)',
})
const privateKey = optionalText.transform((text, context) => {
  if (text === null) return null
  const pem = normalisePrivateKey(text)
  if (pem !== null) return pem
  context.addIssue({
    code: 'custom',
    message: 'has to be a private key: PEM text, PEM with \\n for line ends, or base64',
  })
  return z.NEVER
})
/** A number, which YAML reads as one unless it is quoted. */
const appId = z
  .union([z.int().positive(), z.string()], { error: "has to be the App's number" })
  .nullable()
  .transform((id) => (id === null || String(id).trim() === '' ? null : String(id).trim()))
const publicAddress = optionalText.pipe(address.nullable())

const limits = z.strictObject({
  max_turns: z.int().positive(),
  max_minutes: positive,
  max_tokens: z.int().positive(),
  max_repetitions: z.int().min(2),
  max_output_tokens: z.int().positive(),
})

export const configSchema = z.strictObject({
  data_dir: z.string().min(1),
  server: z.strictObject({
    host: z.string().min(1),
    port: z.int().min(0).max(65535),
    public_url: publicAddress,
    max_body_bytes: z.int().positive(),
  }),
  database: z.strictObject({ url: databaseAddress, pool_size: z.int().min(2).max(100) }),
  lanes: z.strictObject({
    acknowledge: z.int().positive(),
    advance_run: z.int().positive(),
    report: z.int().positive(),
    reap: z.int().positive(),
    reconcile: z.int().positive(),
  }),
  runs: z.strictObject({
    lease_seconds: positive,
    max_claims: z.int().positive(),
    max_cost_usd: z.number().nonnegative(),
    max_tokens: z.int().positive(),
    max_minutes: positive,
    report_every_seconds: z.number().nonnegative(),
    reap_every_seconds: positive,
    held_wait_seconds: count,
  }),
  reconcile: z.strictObject({ every_minutes: positive, look_back_hours: positive }),
  schedules: z.strictObject({
    every_seconds: positive.max(60),
    repositories: z.array(z.string().regex(repositoryName, 'has to be written as owner/name')),
  }),
  breakers: z.strictObject({ failures: z.int().positive(), open_seconds: positive, most_open_seconds: positive }),
  budget: z.strictObject({ monthly_usd: z.number().nonnegative() }),
  github: z.strictObject({
    app_id: appId,
    private_key: privateKey,
    webhook_secret: optionalText,
    previous_webhook_secret: optionalText,
    api_url: address,
    url: address,
    trusted_bots: z.array(z.int().positive()),
    write_burst: z.int().positive(),
    write_gap_ms: count,
  }),
  anthropic: z.strictObject({
    api_key: optionalText,
    base_url: address,
    stall_seconds: positive,
    request_minutes: positive,
    max_retries: count,
    max_retry_wait_seconds: positive,
  }),
  models: z.strictObject({ primary: z.string().min(1), fallback: optionalText }),
  agents: z.strictObject({ development: limits }),
  sandbox: z.strictObject({
    kind: z.enum(['auto', 'bubblewrap', 'none']),
    memory_mb: z.int().positive(),
    processes: z.int().positive(),
    cpu_seconds: z.int().positive(),
    file_mb: z.int().positive(),
    open_files: z.int().positive(),
    command_seconds: positive,
    setup_seconds: positive,
    output_kb: z.int().positive(),
  }),
  workspace: z.strictObject({
    mirror_fresh_seconds: z.number().nonnegative(),
    mirrors_max_mb: z.int().positive(),
    keep_failed_hours: z.number().nonnegative(),
    share_snapshots: z.enum(['auto', 'database', 'off']),
    shared_snapshot_kb: z
      .int()
      .positive()
      .max(64 * 1024),
  }),
  proposal: z.strictObject({
    max_files: z.int().positive(),
    max_file_kb: z.int().positive(),
    max_total_kb: z.int().positive(),
    allow_binaries: z.boolean(),
    protected_paths: z.array(z.string().min(1)),
    protected_approvers: z.array(z.string().min(1)).min(1),
    draft: z.boolean(),
    branch_prefix: z.string().min(1),
  }),
  workflows: z.strictObject({ folder: z.string().min(1), prompts: z.string().min(1) }),
  log: z.strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']) }),
})

export type Config = z.infer<typeof configSchema>

/** What a running process may take over from a changed file; everything else wants a restart, and says so. */
export const reloadable = [
  'runs.lease_seconds',
  'runs.max_claims',
  'runs.max_cost_usd',
  'runs.max_tokens',
  'runs.max_minutes',
  'runs.report_every_seconds',
  'runs.held_wait_seconds',
  'schedules.repositories',
  'breakers',
  'budget',
  'models',
  'agents',
  'proposal',
  'log',
  'github.trusted_bots',
  'workspace.keep_failed_hours',
] as const
