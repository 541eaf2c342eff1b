import type { Config } from '../config/schema.ts'
import { JourneymanError } from '../domain/errors.ts'
import { microUsd } from '../domain/money.ts'
import type { RunCaps } from '../inbox/plan-delivery.ts'
import type { EngineSettings } from '../workflow/engine/execution.ts'
import type { LoadedWorkflow } from '../workflow/language/definition.ts'

/** The configuration as the engine wants it; made anew at each use, so that a reloaded key counts at once. */
export const engineSettings = (config: Config): EngineSettings => ({
  leaseSeconds: config.runs.lease_seconds,
  maxClaims: config.runs.max_claims,
  heldWaitSeconds: config.runs.held_wait_seconds,
  monthlyCap: microUsd(config.budget.monthly_usd),
  models: config.models,
  agentLimits: {
    development: {
      maxTurns: config.agents.development.max_turns,
      maxMinutes: config.agents.development.max_minutes,
      maxTokens: config.agents.development.max_tokens,
      maxRepetitions: config.agents.development.max_repetitions,
      maxOutputTokens: config.agents.development.max_output_tokens,
    },
  },
  proposal: {
    maxFiles: config.proposal.max_files,
    maxFileBytes: config.proposal.max_file_kb * 1024,
    maxTotalBytes: config.proposal.max_total_kb * 1024,
    allowBinaries: config.proposal.allow_binaries,
    protectedPaths: config.proposal.protected_paths,
    protectedApprovers: config.proposal.protected_approvers,
    draft: config.proposal.draft,
  },
  // What expressions may see is chosen here, not left over: texts of strangers meet expressions' results.
  publicConfig: {
    branch_prefix: config.proposal.branch_prefix,
    max_cost_usd: config.runs.max_cost_usd,
    max_minutes: config.runs.max_minutes,
  },
  // There is no page of a run yet that it could lead to.
  runUrl: () => null,
})

/** What a new run may use: its workflow may allow less than the configuration, never more. */
export const capsOf = (config: Config, workflow: LoadedWorkflow): RunCaps => {
  const { limits } = workflow.definition
  const { max_cost_usd, max_tokens, max_minutes } = config.runs
  return {
    costCap: microUsd(Math.min(limits.maxCostUsd ?? max_cost_usd, max_cost_usd)),
    tokenCap: Math.min(limits.maxTokens ?? max_tokens, max_tokens),
    deadlineSeconds: Math.ceil(Math.min(limits.maxMinutes ?? max_minutes, max_minutes) * 60),
  }
}

export type Credentials = { appId: string; privateKey: string; apiKey: string }

/** Every credential that is missing, in one sentence. A web process alone needs no key of a model. */
export const requireCredentials = (config: Config, worker: boolean): Credentials => {
  const { app_id, private_key, webhook_secret } = config.github
  const missing = [
    app_id === null ? 'GITHUB_APP_ID' : null,
    private_key === null ? 'GITHUB_PRIVATE_KEY' : null,
    webhook_secret === null ? 'GITHUB_WEBHOOK_SECRET' : null,
    worker && config.anthropic.api_key === null ? 'ANTHROPIC_API_KEY' : null,
  ].filter((name) => name !== null)
  if (missing.length === 0)
    return { appId: app_id ?? '', privateKey: private_key ?? '', apiKey: config.anthropic.api_key ?? '' }
  throw new JourneymanError(
    'invalid_configuration',
    `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not set. Put ${missing.length === 1 ? 'it' : 'them'} into the environment or into .env ` +
      '(see .env.example), or run "npm run demo", which needs none.',
  )
}
