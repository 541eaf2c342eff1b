import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { loadConfig } from '../src/config/load-config.ts'
import { createLedger } from '../src/ledger/ledger.ts'
import { loadPrices } from '../src/ledger/prices.ts'
import type { Queue } from '../src/queue/contract.ts'
import { createQueue } from '../src/queue/queue.ts'
import { decideApproval } from '../src/store/approvals.ts'
import type { Database } from '../src/store/database.ts'
import { openDatabase } from '../src/store/open-database.ts'
import { processBreakers } from '../src/wiring/process-breakers.ts'
import { startWorker } from '../src/wiring/start-worker.ts'
import { createWorkflowShelf } from '../src/wiring/workflow-shelf.ts'
import { memoryHost } from '../test/fakes/memory-version-control.ts'
import { memoryWorkspaces } from '../test/fakes/memory-workspaces.ts'
import { forgettingTasks } from './forgetting-tasks.ts'
import type { Place } from './open-bench.ts'
import { insertRuns, keepWorkflow } from './trivial-runs.ts'

/**
 * A worker as `journeyman worker` wires it, in a process of its own: every lane, the reaper, the reports, with the shipped
 * settings, on a real database. Only its outside is in memory and takes no time. It does what its parent asks of it, above
 * all where the parent cannot reach the database itself, and ends with its parent.
 */
export type WorkerOrder =
  | { do: 'query'; text: string; values: unknown[] }
  | { do: 'insert'; source: string; count: number; enqueued: boolean }
  | { do: 'approve'; runId: string; address: string }
  | { do: 'facts' }
  | { do: 'rest' }

/** Memory after a forced collection; processor time since the process began. */
export type WorkerFacts = { residentMb: number; heapMb: number; cpuMs: number }

/** Memory once everything has been given back that can be; the most that was resident since the process began. */
export type RestingMemory = { residentMb: number; heapMb: number; peakMb: number }

const place = JSON.parse(process.argv[2] ?? '') as Place

const start = async (): Promise<(order: WorkerOrder) => Promise<unknown>> => {
  const overrides = { data_dir: place.dataDir, database: { url: place.url }, log: { level: 'silent' as const } }
  const { config } = loadConfig({ folder: place.dataDir, environment: {}, overrides })
  const database = await openDatabase({ ...place, poolSize: config.database.pool_size })
  const queue = createQueue(database)
  await queue.start()
  const host = memoryHost()
  const common = { config: () => config, log: () => undefined, database }
  await startWorker({
    ...common,
    queue,
    breakers: processBreakers(database.db, { ...common, count: () => undefined }),
    shelf: await createWorkflowShelf(common),
    versionControl: host.plugin,
    taskManagement: await forgettingTasks(),
    money: createLedger(database.db, await loadPrices()),
    workspaces: memoryWorkspaces(host),
    apiKey: 'none',
    leaving: new AbortController().signal,
  })
  return async (order) => {
    if (order.do === 'facts') return facts()
    if (order.do === 'rest') return rest()
    if (order.do === 'approve') return approve(database, queue, order)
    if (order.do === 'query') return (await database.query(order.text, order.values)).rows
    const hash = await keepWorkflow(database, order.source)
    return insertRuns(database, { hash, count: order.count, ...(order.enqueued && { queue }) })
  }
}

/** As the verb of an operator does it. */
const approve = (
  database: Database,
  queue: Queue,
  { runId, address }: { runId: string; address: string },
): Promise<void> =>
  database.db.transaction().execute(async (tx) => {
    const decision = { runId, address, verdict: 'approved' as const, by: 'alice', comment: null }
    if (!(await decideApproval(tx, decision))) throw new Error(`Nobody was asked at ${address} of ${runId}.`)
    await queue.enqueue('advance-run', { runId }, { tx })
  })

const facts = (): WorkerFacts => {
  const { user, system } = process.cpuUsage()
  // Twice: what was freed by finalizers is collected with the second.
  for (let round = 0; round < 2; round++) collect()
  const { rss, heapUsed } = process.memoryUsage()
  return { residentMb: rss / 2 ** 20, heapMb: heapUsed / 2 ** 20, cpuMs: (user + system) / 1000 }
}

/**
 * An ordinary collection leaves the pages of the young generation with the engine, for the next garbage: up to 200 MB, by how
 * busy the last seconds were. The collection of the last resort gives them back, as the engine does by itself once a process
 * has been idle for some seconds; what is resident then is what is kept.
 */
const rest = (): RestingMemory => {
  const peakMb = process.resourceUsage().maxRSS / 1024
  for (let round = 0; round < 2; round++) collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  const { rss, heapUsed } = process.memoryUsage()
  return { residentMb: rss / 2 ** 20, heapMb: heapUsed / 2 ** 20, peakMb }
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as NodeJS.GCFunction

const obey = await start()
process.on('message', ({ id, order }: { id: number; order: WorkerOrder }) => {
  obey(order).then(
    (answer) => process.send?.({ id, answer }),
    (error: unknown) => process.send?.({ id, error: String(error) }),
  )
})
process.on('disconnect', () => process.exit())
process.send?.({ id: 0 })
