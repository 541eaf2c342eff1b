import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { RunAgent } from '../agents/contract.ts'
import { createRunAgent } from '../agents/run-agent.ts'
import { listSecrets } from '../config/secrets.ts'
import type { EffectLedger } from '../domain/effect.ts'
import { guardAiProvider } from '../guard/guard-ai-provider.ts'
import { startingCommands } from '../inbox/command-names.ts'
import { createFireSchedules, type ScheduleParts } from '../inbox/fire-schedules.ts'
import { createObeyCommand } from '../inbox/obey-command.ts'
import { createReconcile } from '../inbox/reconcile.ts'
import { retryEnded } from '../operate/retry-run.ts'
import { createAnthropic } from '../plugins/ai-provider/anthropic/anthropic.ts'
import { createReap } from '../queue/jobs/reap.ts'
import { createTell } from '../queue/jobs/tell.ts'
import { createAcknowledge } from '../report/acknowledge.ts'
import { createAnswers } from '../report/answer.ts'
import { createReporter, type ReporterParts } from '../report/reporter.ts'
import { appendAudit } from '../store/audit.ts'
import { createEffectLedger } from '../workflow/effect-ledger.ts'
import { createAdvanceRun } from '../workflow/engine/advance-run.ts'
import type { Workspaces } from '../workspace/contract.ts'
import { engineRoles, loopRoles } from './agents.ts'
import { errorRules } from './error-rules.ts'
import { createEvidence, createWithhold, visibleText } from './evidence.ts'
import { operateParts } from './operate-parts.ts'
import type { Services } from './services.ts'
import { engineSettings } from './settings.ts'
import { tidyDisk } from './tidy-disk.ts'

type WorkerServices = Services & {
  workspaces: Workspaces
  apiKey: string
  /** Comes when this process is to end: runs park at once, and are not waited for to their end. */
  leaving: AbortSignal
}

/** The work: each lane with its handler. What it gives ends what the queue does not. */
export const startWorker = async (services: WorkerServices): Promise<() => Promise<void>> => {
  // Names this process in leases.
  const owner = `${hostname()}:${process.pid}:${randomBytes(3).toString('hex')}`
  const effects = createEffectLedger(services.database)
  const reporting = reporterParts(services, owner, effects)
  await workTheFastLanes(services, reporting)
  await workTheRuns(services, owner, effects)
  await workTheRounds(services)
  return tidyDisk(services)
}

const workTheFastLanes = async (services: WorkerServices, reporting: ReporterParts): Promise<void> => {
  const { config, log, database, queue, shelf, versionControl } = services
  const acknowledge = createAcknowledge({
    ...reporting,
    trustedBots: () => config().github.trusted_bots,
    visibleText,
    askAgain: (tx, runId) => queue.enqueue('acknowledge', { runId }, { tx }),
    admit: (tx, runId) => queue.enqueue('advance-run', { runId }, { tx }),
    audit: (tx, entry) => appendAudit(tx, entry),
  })
  const answers = createAnswers(reporting)
  const obey = createObeyCommand({
    database,
    queue,
    versionControl,
    answers,
    starting: () => startingCommands(shelf.workflows()),
    // What a person says in a comment is what an operator says at a terminal: the same verb.
    retry: (run, from, by, alongside) => retryEnded(services, { run, ...(from !== null && { from }) }, by, alongside),
    log,
  })
  const { lanes } = config()
  await queue.work(
    'acknowledge',
    lanes.acknowledge,
    createTell(queue, 'acknowledge', { verb: acknowledge, obey, answer: answers.give }),
  )
  await queue.work('report', lanes.report, createTell(queue, 'report', { verb: createReporter(reporting) }))
}

const workTheRuns = async (services: WorkerServices, owner: string, effects: EffectLedger): Promise<void> => {
  const { config, log, queue, leaving } = services
  const advance = createAdvanceRun({
    ...services,
    owner,
    effects,
    agents: engineRoles,
    runAgent: agentRunner(services),
    evidence: createEvidence(config),
    errorRules,
    settings: () => engineSettings(config()),
    log,
  })
  await queue.work('advance-run', config().lanes.advance_run, async (data, signal) => {
    if (data.runId !== undefined) await advance(data.runId, AbortSignal.any([signal, leaving]))
  })
}

const workTheRounds = async (services: WorkerServices): Promise<void> => {
  const { config, log, database, queue, versionControl } = services
  const { lanes, runs, reconcile: rounds, schedules } = config()
  const reap = createReap({ database, queue, reportEverySeconds: () => config().runs.report_every_seconds })
  const lookBackHours = () => config().reconcile.look_back_hours
  const reconcile = createReconcile({ database, versionControl, lookBackHours, log })
  await queue.work('reap', lanes.reap, reap)
  await queue.work('reconcile', lanes.reconcile, async () => void (await reconcile()))
  await queue.every('reap', runs.reap_every_seconds)
  await queue.every('reconcile', rounds.every_minutes * 60)
  await queue.work('schedule', 1, createFireSchedules(scheduleParts(services)))
  await queue.every('schedule', schedules.every_seconds)
}

const scheduleParts = ({ config, log, database, queue, shelf }: WorkerServices): ScheduleParts => ({
  ...operateParts(config, { database, queue, workflows: async () => shelf.workflows() }),
  workflows: () => shelf.workflows(),
  repositories: () => config().schedules.repositories,
  log,
})

const reporterParts = (services: WorkerServices, owner: string, effects: EffectLedger): ReporterParts => ({
  database: services.database,
  owner,
  effects,
  taskManagement: services.taskManagement,
  versionControl: services.versionControl,
  planOf: services.shelf.planOf,
  costOf: services.money.costOf,
  runUrl: (runId) => engineSettings(services.config()).runUrl(runId),
  sandbox: () => services.workspaces.sandbox,
  withhold: createWithhold(services.config),
  everySeconds: () => services.config().runs.report_every_seconds,
  leaseSeconds: () => services.config().runs.lease_seconds,
  log: services.log,
})

const agentRunner = ({ config, log, apiKey, breakers }: WorkerServices): RunAgent => {
  const { anthropic, sandbox } = config()
  const provider = createAnthropic({
    apiKey,
    baseUrl: anthropic.base_url,
    stallSeconds: anthropic.stall_seconds,
    requestMinutes: anthropic.request_minutes,
  })
  return createRunAgent({
    provider: guardAiProvider(provider, breakers),
    roles: loopRoles,
    retry: { maxRetries: anthropic.max_retries, maxRetryWaitSeconds: anthropic.max_retry_wait_seconds },
    commandTimeoutMs: sandbox.command_seconds * 1000,
    log: {
      info: (data, message) => log('info', message, { ...data }),
      warn: (data, message) => log('warn', message, { ...data }),
    },
    secrets: () => listSecrets(config()),
  })
}
