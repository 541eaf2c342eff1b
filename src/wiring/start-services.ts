import { join } from 'node:path'
import { createMetrics } from '../api/metrics.ts'
import type { Config } from '../config/schema.ts'
import { guardWorkspaces } from '../guard/guard-workspaces.ts'
import { createLedger } from '../ledger/ledger.ts'
import { loadPrices } from '../ledger/prices.ts'
import { createGitHubClient } from '../plugins/github-client/create-github-client.ts'
import { createQueue } from '../queue/queue.ts'
import type { Database } from '../store/database.ts'
import { migrate } from '../store/migrate.ts'
import type { LoadedWorkflow } from '../workflow/language/definition.ts'
import type { Workspaces } from '../workspace/contract.ts'
import type { Sandbox } from '../workspace/sandbox/sandbox.ts'
import type { SnapshotShare } from '../workspace/shared-snapshots.ts'
import { createWorkspaces } from '../workspace/workspaces.ts'
import { guardedGitHub } from './guarded-github.ts'
import type { Log } from './log.ts'
import { processBreakers } from './process-breakers.ts'
import type { Services } from './services.ts'
import type { Credentials } from './settings.ts'
import { snapshotShare } from './snapshot-share.ts'
import { startControl } from './start-control.ts'
import { startWeb } from './start-web.ts'
import { startWorker } from './start-worker.ts'
import { createWorkflowShelf, type WorkflowShelf } from './workflow-shelf.ts'

type Parts = {
  config: () => Config
  credentials: Credentials
  database: Database
  /** Still trying itself, where there is work to be done; null where there is none. */
  sandboxing: Promise<Sandbox> | null
  web: boolean
  offers: ((workflow: LoadedWorkflow) => boolean) | undefined
  /** Takes what closes each part, in the order in which they were opened. */
  closing: (() => Promise<void>)[]
  graceMs: () => number
  isStopping: () => boolean
  leaving: AbortSignal
  log: Log
}

export type StartedServices = { url: string | null; workspaces: Workspaces | null; shelf: WorkflowShelf }

/** All that lives on the open database, one part after the other. */
export const startServices = async (parts: Parts): Promise<StartedServices> => {
  const { database, closing, log } = parts
  await migrate(database)
  const shelf = await createWorkflowShelf({ database, config: parts.config, log })
  const workspaces = await openWorkspaces(parts)
  if (workspaces) closing.push(workspaces.close)
  const worker = workspaces !== null
  const queue = createQueue(database, { log, supervise: worker })
  // Before what its jobs work with.
  closing.push(() => queue.stop({ graceMs: parts.graceMs() }))
  await queue.start()
  const metrics = createMetrics()
  const breakers = processBreakers(database.db, { config: parts.config, log, count: metrics.service })
  const services: Services = {
    config: parts.config,
    log,
    database,
    queue,
    shelf: parts.offers ? offering(shelf, parts.offers) : shelf,
    breakers,
    ...guardedGitHub(gitHubClient(parts), breakers),
    money: createLedger(database.db, await loadPrices()),
  }
  if (workspaces) {
    const guarded = guardWorkspaces(workspaces, breakers, services.versionControl.name)
    const { leaving, credentials } = parts
    closing.push(await startWorker({ ...services, workspaces: guarded, apiKey: credentials.apiKey, leaving }))
  }
  const web = parts.web ? await startWeb({ ...services, metrics, worker, isStopping: parts.isStopping }) : null
  if (web) closing.push(web.close)
  closing.push(await startControl({ ...services, shelf }))
  return { url: web?.url ?? null, workspaces, shelf }
}

const openWorkspaces = async ({ config, sandboxing, database, log }: Parts): Promise<Workspaces | null> =>
  sandboxing && workspacesIn(config(), await sandboxing, snapshotShare(config(), database, log))

const workspacesIn = (config: Config, sandbox: Sandbox, share: SnapshotShare | undefined): Promise<Workspaces> =>
  createWorkspaces({
    folder: join(config.data_dir, 'work'),
    sandbox,
    share,
    mirrorFreshSeconds: config.workspace.mirror_fresh_seconds,
    mirrorsMaxMb: config.workspace.mirrors_max_mb,
  })

const gitHubClient = ({ config, credentials }: Parts) => {
  const { github } = config()
  return createGitHubClient({
    ...credentials,
    apiUrl: github.api_url,
    url: github.url,
    writeBurst: github.write_burst,
    writeGapMs: github.write_gap_ms,
  })
}

const offering = (shelf: WorkflowShelf, offers: (workflow: LoadedWorkflow) => boolean): WorkflowShelf => ({
  ...shelf,
  workflows: () => shelf.workflows().filter(offers),
})
