import { sql } from 'kysely'
import { breakableDatabase } from '../../../../test/breakable-database.ts'
import { memoryTasks } from '../../../../test/fakes/memory-tasks.ts'
import { memoryHost } from '../../../../test/fakes/memory-version-control.ts'
import { type MemoryCommand, memoryWorkspaces } from '../../../../test/fakes/memory-workspaces.ts'
import type { AgentOutcome, RunAgent } from '../../../agents/contract.ts'
import { sleep } from '../../../domain/clock.ts'
import { JourneymanError } from '../../../domain/errors.ts'
import type { EventName } from '../../../domain/event.ts'
import { newId } from '../../../domain/ids.ts'
import type { Run } from '../../../domain/run.ts'
import { createLedger } from '../../../ledger/ledger.ts'
import { parsePrices } from '../../../ledger/prices.ts'
import type { Queue } from '../../../queue/contract.ts'
import type { Database } from '../../../store/database.ts'
import { saveDefinition } from '../../../store/definitions.ts'
import { getRun, requestStop } from '../../../store/runs.ts'
import { loadSteps, type StepRow } from '../../../store/steps.ts'
import { createEffectLedger } from '../../effect-ledger.ts'
import { usedKey } from '../../language/pinned.ts'
import { createAdvanceRun } from '../advance-run.ts'
import type { EngineParts, EngineSettings } from '../execution.ts'
import { acknowledgedRun } from './acknowledged-run.ts'

export type EngineOptions = {
  commands?: Record<string, MemoryCommand>
  parts?: Partial<EngineParts>
  settings?: Partial<EngineSettings>
  /** How many turns the scripted agent takes, and what it does in each. */
  turns?: ((workspace: Parameters<RunAgent>[2]) => Promise<void>)[]
}

/** The engine on a real database, with a host, a tracker and work trees in memory that outlive any worker. */
export const engineUnderTest = async (database: Database, options: EngineOptions = {}) => {
  const host = memoryHost()
  const tracker = memoryTasks()
  const workspaces = memoryWorkspaces(host, { ...commands, ...options.commands })
  const jobs: { lane: string; runId: string | undefined; afterSeconds: number | undefined }[] = []
  const logged: string[] = []
  const paidTurns: string[] = []
  await tracker.plugin.createTask(
    { repository: 'acme/shop', installation: null },
    { title: 'Add a login', description: 'Please.', labels: [] },
  )
  const queue: Pick<Queue, 'enqueue'> = {
    enqueue: async (lane, data, { afterSeconds } = {}) => void jobs.push({ lane, runId: data.runId, afterSeconds }),
  }
  const settings: EngineSettings = {
    leaseSeconds: 5,
    maxClaims: 1_000,
    monthlyCap: 1_000_000_000,
    models: { primary: 'scripted', fallback: null },
    agentLimits: {
      development: { maxTurns: 9, maxMinutes: 9, maxTokens: 9_000_000, maxRepetitions: 9, maxOutputTokens: 100 },
    },
    proposal: {
      maxFiles: 9,
      maxFileBytes: 9_999,
      maxTotalBytes: 99_999,
      allowBinaries: false,
      protectedPaths: [],
      protectedApprovers: ['role:write'],
      draft: false,
    },
    publicConfig: { branch_prefix: 'ai/' },
    runUrl: () => null,
    ...options.settings,
  }

  /** A worker: everything that dies with a process. `on` is the database as it sees it. */
  const worker = (on: Database = database, owner = newId('agent'), parts: Partial<EngineParts> = {}) =>
    createAdvanceRun({
      database: on,
      owner,
      effects: createEffectLedger(on),
      versionControl: host.plugin,
      taskManagement: tracker.plugin,
      workspaces,
      agents: { development: role },
      runAgent: scriptedAgent(options.turns ?? [], paidTurns),
      money: createLedger(on.db, prices),
      evidence,
      settings: () => settings,
      log: (level, message, data) => void logged.push(`${level}: ${message} ${JSON.stringify(data ?? {})}`),
      queue: queue as Queue,
      ...options.parts,
      ...parts,
    })

  /** The lease of a worker that is gone has lapsed. */
  const lapse = async (runId: string): Promise<void> => {
    await sql`update workflow_executions set lease_until = now() - interval '1 second', wake_at = null
      where id = ${runId} and state in ('queued', 'running', 'parked')`.execute(database.db)
  }

  return {
    host,
    tracker,
    workspaces,
    jobs,
    logged,
    paidTurns,
    settings,
    worker,
    /** A run of that workflow, acknowledged and waiting for a worker. */
    queueRun: (source: string, more: RunOptions = {}) => queueRun(database, source, more),
    /** One worker, from the claim to where it leaves the run. */
    advance: (runId: string, signal: AbortSignal = new AbortController().signal) => worker()(runId, signal),
    /** A worker of which nothing reaches the database from the k-th query on; gives whether it came so far. Its lease is over. */
    dieAt: async (runId: string, k: number): Promise<boolean> => {
      const dead = breakableDatabase(
        database,
        (query) => (query < k ? 'through' : 'unsent'),
        () => new JourneymanError('stale_epoch', 'This worker is dead.'),
      )
      await worker(dead)(runId, new AbortController().signal).catch(() => undefined)
      await lapse(runId)
      return dead.queries() >= k
    },
    lapse,
    /** As if so many seconds had passed since the last that happened to a run that waits. */
    passTime: async (runId: string, seconds: number) => {
      const earlier = sql`make_interval(secs => ${seconds})`
      await sql`update workflow_executions set wake_at = wake_at - ${earlier}, parked_at = parked_at - ${earlier},
        started_at = started_at - ${earlier} where id = ${runId}`.execute(database.db)
      await sql`update step_executions set attempt_at = attempt_at - ${earlier}, retry_at = retry_at - ${earlier}
        where run_id = ${runId}`.execute(database.db)
      await sql`update approvals set expires_at = expires_at - ${earlier} where run_id = ${runId}`.execute(database.db)
    },
    stop: (runId: string) => requestStop(database.db, runId, 'alice'),
    run: async (runId: string): Promise<Run> => (await getRun(database.db, runId)) as Run,
    steps: async (runId: string): Promise<Record<string, StepRow>> =>
      Object.fromEntries((await loadSteps(database.db, runId)).map((row) => [row.address, row])),
  }
}

export type EngineUnderTest = Awaited<ReturnType<typeof engineUnderTest>>

/** A workflow of those steps, started by a label. */
export const workflowOf = (steps: string, rest = ''): string =>
  `name: test\ndescription: d\nversion: "1.0.0"\non: [{ event: issue.labeled, label: ai }]\nsteps:${steps}\n${rest}`

const write = (path: string, exitCode: number): MemoryCommand => {
  return async (tree) => {
    tree.set(path, path)
    return { exitCode }
  }
}

const commands: Record<string, MemoryCommand> = {
  'write a': write('a', 0),
  'write b': write('b', 0),
  'write half and fail': write('half', 1),
  'say hello': async () => ({ exitCode: 0, output: 'hello' }),
  fail: async () => ({ exitCode: 1 }),
  explode: async () => {
    throw new TypeError('A defect.')
  },
  nap: async (_tree, { signal }) => {
    await sleep(50, signal)
    return { exitCode: 0 }
  },
  /** Until it is stopped. */
  hang: async (_tree, { signal }) => {
    await sleep(60_000, signal).catch(() => undefined)
    throw new JourneymanError('stopped', 'The command was stopped.')
  },
}

const price = '{ valid_from: 2025-01-01, input: 3, output: 15, cache_read: 0.3, cache_write: 3.75 }'
const prices = parsePrices(`scripted:\n  - ${price}\n`, 'the test')

export type RunOptions = {
  deadlineSeconds?: number
  /** Workflows that it uses, by their names. */
  uses?: Record<string, string>
  waitsFor?: EventName[]
}

const queueRun = async (database: Database, source: string, more: RunOptions): Promise<string> => {
  const id = newId('run')
  const used = Object.entries(more.uses ?? {}).map(([name, text]) => [usedKey(name), text])
  const prompts = { 'prompts/do.njk': 'Do it.', system: 'You are an agent.', ...Object.fromEntries(used) }
  await saveDefinition(database.db, { hash: id, name: 'test', source, prompts })
  await database.db
    .insertInto('workflow_executions')
    .values({
      ...acknowledgedRun(id, { hash: id, name: 'test' }),
      ...(more.deadlineSeconds !== undefined && { deadline_seconds: more.deadlineSeconds }),
      waits_for: JSON.stringify(more.waitsFor ?? []),
    })
    .execute()
  // The next one is later, also by a clock of thousandths of a second.
  await sleep(2)
  return id
}

const role: EngineParts['agents'][string] = {
  name: 'development',
  systemTemplate: 'system',
  promptVariables: () => ({}),
  toResult: (submitted) => ({
    summary: String(submitted['summary']),
    pr_title: 'feat: a login',
    pr_description: 'It logs in.',
    commit_message: 'feat: a login',
    files: [],
    tests: [],
    breaking_changes: [],
    not_done: [],
    criteria: [],
    checks: [],
  }),
}

const evidence: EngineParts['evidence'] = {
  runSetup: async () => [],
  runChecks: async () => [],
  judge: () => ({ refused: [], flagged: [] }),
  findSecrets: (text) => (text.includes('hunter2') ? ['a password'] : []),
  disarm: (text) => text,
  describeChange: ({ description }) => description,
}

/** As the real loop goes about it: a turn is paid and journalled, its tool runs, its snapshot is recorded. */
const scriptedAgent =
  (turns: NonNullable<EngineOptions['turns']>, paid: string[]): RunAgent =>
  async (task, journal, workspace, signal) => {
    const usage = { input: 10, output: 10, cacheRead: 0, cacheWrite: 0 }
    const opening = { system: [], tools: [], first: { role: 'user' as const, content: [] } }
    const found = await journal.open(opening, 'scripted')
    const kept = found.turns.findLast((turn) => turn.snapshot !== null)?.snapshot
    if (found.turns.length > 0) await workspace.restore(kept ?? task.startsFrom ?? workspace.baseSha)
    for (const [ordinal, act] of turns.entries()) {
      signal.throwIfAborted()
      const turn = found.turns[ordinal]
      if (turn?.snapshot) continue
      if (!turn) {
        const call = { ordinal, model: 'scripted', inputTokens: 10, maxOutputTokens: 10 }
        const reservation = await journal.reserve(call)
        paid.push(`${task.address} turn ${ordinal}`)
        const response = { model: 'scripted', content: [], stopReason: 'tool_use', usage } as never
        await journal.answered(ordinal, response, reservation)
      }
      await act(workspace)
      await journal.toolsDone(ordinal, [])
      await journal.snapshotTaken(ordinal, (await workspace.snapshot('turn')).commit)
    }
    const outcome: AgentOutcome = {
      submitted: { summary: 'done' },
      turns: turns.length,
      usage,
      cost: 0,
      models: ['scripted'],
    }
    return outcome
  }
