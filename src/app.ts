import { join } from 'node:path'
import type { Config } from './config/schema.ts'
import { createSecretMask, listSecrets } from './config/secrets.ts'
import { failureOf, JourneymanError } from './domain/errors.ts'
import type { Database } from './store/database.ts'
import { openDatabase } from './store/open-database.ts'
import { createLog, type Log } from './wiring/log.ts'
import { requireCredentials } from './wiring/settings.ts'
import type { WorkflowShelf } from './wiring/workflow-shelf.ts'
import type { LoadedWorkflow } from './workflow/language/definition.ts'
import type { Workspaces } from './workspace/contract.ts'
import { createSandbox, type Sandbox } from './workspace/sandbox/sandbox.ts'

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

  const openStore = async (): Promise<Database> => {
    const { database: at, data_dir: dataDir } = config
    const { onLost } = options
    opened = await openDatabase({ url: at.url, dataDir, poolSize: at.pool_size, ...(onLost && { onLost }) })
    closing.push(opened.close)
    return opened
  }

  const start: App['start'] = async () => {
    const credentials = requireCredentials(config, options.worker)
    const sandboxing = options.worker ? openSandbox(config) : null
    // It is awaited later; until then a failure of it is nobody's. A start that fails meanwhile must still end it.
    sandboxing?.catch(() => undefined)
    closing.push(async () => (await sandboxing?.catch(() => null))?.close())
    // Three quarters of a second of loading, for which the embedded database and the sandbox need not wait.
    const [database, { startServices }] = await Promise.all([openStore(), import('./wiring/start-services.ts')])
    const { url, workspaces, ...started } = await startServices({
      config: () => config,
      credentials,
      database,
      sandboxing,
      web: options.web,
      offers: options.offers,
      closing,
      graceMs: () => graceMs,
      isStopping: () => stopping,
      leaving: leaving.signal,
      log,
    })
    shelf = started.shelf
    const sandbox = workspaces?.sandbox ?? null
    const holds = sandbox?.usable === false ? `${sandbox.kind}, which does not hold` : sandbox?.kind
    log('info', 'ready', { url, database: database.kind, sandbox: holds, worker: options.worker })
    return { url, sandbox }
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

const closeAll = async (closing: (() => Promise<void>)[], log: Log): Promise<void> => {
  for (const close of closing.splice(0).reverse()) {
    await close().catch((error: unknown) =>
      log('warn', 'a part did not close in good order', { failure: failureOf(error) }),
    )
  }
}
