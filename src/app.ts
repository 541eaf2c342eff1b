import { join } from 'node:path'
import { createMetrics } from './api/metrics.ts'
import type { Config } from './config/schema.ts'
import { createSecretMask, listSecrets } from './config/secrets.ts'
import { failureOf, JourneymanError } from './domain/errors.ts'
import { guardWorkspaces } from './guard/guard-workspaces.ts'
import { createLedger } from './ledger/ledger.ts'
import { loadPrices } from './ledger/prices.ts'
import { createGitHubClient } from './plugins/github-client/create-github-client.ts'
import { createQueue } from './queue/queue.ts'
import type { Database } from './store/database.ts'
import { migrate } from './store/migrate.ts'
import { openDatabase } from './store/open-database.ts'
import { guardedGitHub } from './wiring/guarded-github.ts'
import { createLog, type Log } from './wiring/log.ts'
import { processBreakers } from './wiring/process-breakers.ts'
import type { Services } from './wiring/services.ts'
import { requireCredentials } from './wiring/settings.ts'
import { snapshotShare } from './wiring/snapshot-share.ts'
import { startControl } from './wiring/start-control.ts'
import { startWeb } from './wiring/start-web.ts'
import { startWorker } from './wiring/start-worker.ts'
import { createWorkflowShelf, type WorkflowShelf } from './wiring/workflow-shelf.ts'
import type { LoadedWorkflow } from './workflow/language/definition.ts'
import type { Workspaces } from './workspace/contract.ts'
import { createSandbox, type Sandbox } from './workspace/sandbox/sandbox.ts'
import type { SnapshotShare } from './workspace/shared-snapshots.ts'
import { createWorkspaces } from './workspace/workspaces.ts'

export type AppOptions = {
  /** Web takes deliveries, worker does the work; both in one process is the default. */
  web: boolean
  worker: boolean
  /** Where log lines go; standard error without it. */
  writeLog?: (line: string) => void
  /** Which of the loaded workflows events may start; all of them without it. */
  offers?: (workflow: LoadedWorkflow) => boolean
  /** Called when the process cannot go on: the embedded database has stopped answering. */
  onLost?: (error: JourneymanError) => void
}

export type App = {
  start: () => Promise<{ url: string | null; sandbox: Workspaces['sandbox'] | null }>
  /** No new work; what runs is parked at the next safe point, and waited for so long. */
  stop: (graceMs?: number) => Promise<void>
  /** Takes over what a running process may of a changed configuration. */
  reconfigure: (config: Config) => Promise<void>
  database: () => Database
  /** The steps of a pinned definition, as people should read them. */
  planOf: WorkflowShelf['planOf']
  log: Log
}

const defaultGraceMs = 10_000

/** Everything that is wired together, and nothing else. `start` opens, `stop` closes in the opposite order. */
export const buildApp = (initial: Config, options: AppOptions): App => {
  let config = initial
  const mask = createSecretMask(listSecrets(initial))
  const { log, setLevel } = createLog(initial.log.level, mask, options.writeLog)
  const closing: (() => Promise<void>)[] = []
  let stopping = false
  let graceMs = defaultGraceMs
  const leaving = new AbortController()
  let shelf: WorkflowShelf | null = null
  let opened: Database | null = null

  const database = (): Database => {
    if (opened === null) throw new JourneymanError('internal', 'The app has not been started.')
    return opened
  }

  const start: App['start'] = async () => {
    const credentials = requireCredentials(config, options.worker)
    const sandboxing = options.worker ? openSandbox(config) : null
    // It is awaited below; until then a failure of it is nobody's. A start that fails meanwhile must still end it.
    closing.push(async () => (await sandboxing?.catch(() => null))?.close())
    opened = await openDatabase({
      url: config.database.url,
      dataDir: config.data_dir,
      poolSize: config.database.pool_size,
      ...(options.onLost && { onLost: options.onLost }),
    })
    closing.push(opened.close)
    await migrate(opened)
    shelf = await createWorkflowShelf({ database: opened, config: () => config, log })
    const sandbox = (await sandboxing) ?? null
    const workspaces = sandbox && (await openWorkspaces(config, sandbox, snapshotShare(config, opened, log)))
    if (workspaces) closing.push(workspaces.close)
    const queue = createQueue(opened, { log, supervise: options.worker })
    // Before what its jobs work with.
    closing.push(() => queue.stop({ graceMs }))
    await queue.start()
    const client = createGitHubClient({
      ...credentials,
      apiUrl: config.github.api_url,
      url: config.github.url,
      writeBurst: config.github.write_burst,
      writeGapMs: config.github.write_gap_ms,
    })
    const metrics = createMetrics()
    const breakers = processBreakers(opened.db, { config: () => config, log, count: metrics.service })
    const services: Services = {
      config: () => config,
      log,
      database: opened,
      queue,
      shelf: options.offers ? offering(shelf, options.offers) : shelf,
      breakers,
      ...guardedGitHub(client, breakers),
      money: createLedger(opened.db, await loadPrices()),
    }
    if (workspaces) {
      const { apiKey } = credentials
      const guarded = guardWorkspaces(workspaces, breakers, services.versionControl.name)
      closing.push(await startWorker({ ...services, workspaces: guarded, apiKey, leaving: leaving.signal }))
    }
    const web = options.web
      ? await startWeb({ ...services, metrics, worker: options.worker, isStopping: () => stopping })
      : null
    if (web) closing.push(web.close)
    closing.push(await startControl({ ...services, shelf }))
    const url = web?.url ?? null
    log('info', 'ready', { url, database: opened.kind, sandbox: workspaces?.sandbox.kind, worker: options.worker })
    return { url, sandbox: workspaces?.sandbox ?? null }
  }

  return {
    start: async () => {
      try {
        return await start()
      } catch (error) {
        await closeAll(closing, log)
        throw error
      }
    },
    stop: async (patienceMs = defaultGraceMs) => {
      if (stopping) return
      stopping = true
      graceMs = patienceMs
      leaving.abort()
      await closeAll(closing, log)
    },
    reconfigure: async (next) => {
      config = next
      setLevel(next.log.level)
      await shelf?.reload()
    },
    database,
    planOf: async (hash) => (await shelf?.planOf(hash)) ?? [],
    log,
  }
}

const openSandbox = async (config: Config): Promise<Sandbox> => {
  const { kind, ...limits } = config.sandbox
  const sandbox = await createSandbox({ kind, limits: { ...limits }, scratchDir: join(config.data_dir, 'sandbox') })
  if (kind !== 'bubblewrap' || sandbox.status.usable) return sandbox
  await sandbox.close()
  throw new JourneymanError('sandbox_unavailable', `sandbox.kind is "bubblewrap". ${sandbox.status.summary}`)
}

const openWorkspaces = (config: Config, sandbox: Sandbox, share: SnapshotShare | undefined): Promise<Workspaces> =>
  createWorkspaces({
    folder: join(config.data_dir, 'work'),
    sandbox,
    share,
    mirrorFreshSeconds: config.workspace.mirror_fresh_seconds,
    mirrorsMaxMb: config.workspace.mirrors_max_mb,
  })

const offering = (shelf: WorkflowShelf, offers: (workflow: LoadedWorkflow) => boolean): WorkflowShelf => ({
  ...shelf,
  workflows: () => shelf.workflows().filter(offers),
})

const closeAll = async (closing: (() => Promise<void>)[], log: Log): Promise<void> => {
  for (const close of closing.splice(0).reverse()) {
    await close().catch((error: unknown) =>
      log('warn', 'a part did not close in good order', { failure: failureOf(error) }),
    )
  }
}
