import { fromKysely, PgBoss, type QueueOptions, type QueueResult } from 'pg-boss'
import { failureOf, JourneymanError } from '../domain/errors.ts'
import type { Database, Tx } from '../store/database.ts'
import { bossDatabase } from './boss-database.ts'
import { type JobData, type Lane, lanes, type Queue } from './contract.ts'
import { deadLetters, laneSettings } from './lane-settings.ts'
import { type LaneWorkers, startLaneWorkers } from './lane-workers.ts'
import { runEvery } from './run-every.ts'

export type QueueLog = (level: 'warn' | 'error', message: string, data: Record<string, unknown>) => void

type Handler = (data: JobData, signal: AbortSignal) => Promise<void>

/** How late a delayed job or one that is tried again may be, and any job whose notification was lost. */
const lookEveryMs = 500
const deadLimit = 200

/**
 * The queue over pg-boss. A process that never calls `work` may enqueue; `supervise: false` is for one that also leaves
 * the care of expired jobs to others (the command line).
 */
export const createQueue = (database: Database, options: { log?: QueueLog; supervise?: boolean } = {}): Queue => {
  const log: QueueLog = options.log ?? (() => undefined)
  const workers = new Map<Lane, LaneWorkers>()
  const handlers = new Map<Lane, Handler>()
  const timers: { stop: () => Promise<void> }[] = []
  const stopping = new AbortController()
  const wakeAll = (): void => {
    for (const lane of workers.values()) lane.wakeOne()
  }
  const boss = makeBoss(database, options.supervise ?? true, (lane) => workers.get(lane as Lane)?.wakeOne(), wakeAll)
  boss.on('error', (error) => log('warn', 'queue: an error inside pg-boss', { error: error.message }))
  boss.on('warning', (warning) => log('warn', 'queue: a warning of pg-boss', { warning: warning.message }))
  let looking: NodeJS.Timeout | undefined

  const enqueueAll: Queue['enqueueAll'] = async (lane, data, { tx } = {}) => {
    if (data.length === 0) return
    await boss.insert(
      lane,
      data.map((item) => ({ data: item })),
      inTransaction(tx),
    )
  }

  return {
    start: async () => {
      await boss.start()
      await makeQueues(boss)
      looking = setInterval(wakeAll, lookEveryMs)
    },
    enqueue: async (lane, data, { tx, afterSeconds } = {}) => {
      const startAfter = afterSeconds === undefined ? {} : { startAfter: afterSeconds }
      await boss.insert(lane, [{ data, ...startAfter }], inTransaction(tx))
    },
    enqueueAll,
    work: async (lane, concurrency, handler) => {
      if (handlers.has(lane)) throw new JourneymanError('internal', `The lane ${lane} already has a handler.`)
      handlers.set(lane, handler)
      const failed = (error: unknown, { runId, delivery }: JobData): void =>
        log('warn', 'queue: a job failed', { lane, run: runId, delivery, failure: failureOf(error) })
      workers.set(lane, await startLaneWorkers(boss, lane, concurrency, handler, failed))
    },
    every: async (lane, seconds) => {
      const work = async (): Promise<void> => {
        const handler = handlers.get(lane)
        await (handler ? handler({}, stopping.signal) : enqueueAll(lane, [{}]))
      }
      const failed = (error: unknown): void =>
        log('error', 'queue: a periodic job failed', {
          lane,
          error: error instanceof Error ? error.message : String(error),
        })
      timers.push(runEvery(database, lane, seconds, work, failed))
    },
    dead: async () => {
      const jobs = await boss.findJobs<JobData>(deadLetters)
      return jobs
        .map((job) => ({ lane: job.sourceName ?? deadLetters, data: job.data, failedAt: job.createdOn }))
        .sort((a, b) => b.failedAt.getTime() - a.failedAt.getTime())
        .slice(0, deadLimit)
    },
    stop: async ({ graceMs }) => {
      clearInterval(looking)
      const drained = Promise.all([
        ...[...workers.keys()].map((lane) => boss.offWork(lane, { wait: true })),
        ...timers.splice(0).map((timer) => timer.stop()),
      ])
      await within(graceMs, drained)
      stopping.abort(new JourneymanError('shutting_down', 'This process is ending.'))
      // What still runs is given back to be tried again, and its signal is aborted.
      await boss.stop({ graceful: false, close: false })
    },
  }
}

const makeBoss = (
  database: Database,
  supervise: boolean,
  heard: (lane: string) => void,
  reconnected: () => void,
): PgBoss =>
  new PgBoss({
    db: bossDatabase(database, heard, reconnected),
    backend: database.kind,
    useListenNotify: true,
    schedule: false,
    supervise,
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
    maintenanceIntervalSeconds: 300,
    // Nothing of ours uses job dependencies.
    flowIntervalSeconds: 3600,
    // The embedded database has no autovacuum and one session: there is nothing to warn of, and no index to rebuild beside it.
    monitorVacuum: database.kind === 'postgres',
    reindex: database.kind === 'postgres',
  })

/**
 * Makes the lanes' queues, and changes those that an older version made otherwise. pg-boss knows the queues that it found
 * when it started; one that is new to it is read back: first met inside a transaction, it would be looked up on another
 * connection, which the embedded database does not have.
 */
const makeQueues = async (boss: PgBoss): Promise<void> => {
  const known = new Map((await boss.getQueues()).map((queue) => [queue.name, queue]))
  if (!known.has(deadLetters)) {
    await boss.createQueue(deadLetters, { retentionSeconds: 30 * 86_400 })
    await remember(boss, deadLetters)
  }
  for (const lane of lanes) {
    const settings = { ...laneSettings[lane], deadLetter: deadLetters, notify: true }
    const found = known.get(lane)
    if (found && isAsSet(found, settings)) continue
    if (found) await boss.updateQueue(lane, settings)
    else await boss.createQueue(lane, settings)
    await remember(boss, lane)
  }
}

const isAsSet = (found: QueueResult, settings: QueueOptions): boolean =>
  Object.entries(settings).every(([key, value]) => found[key as keyof QueueOptions] === value)

/** `insert` looks a queue up once and remembers it; an empty one writes nothing. */
const remember = async (boss: PgBoss, name: string): Promise<void> => {
  await boss.insert(name, [])
}

const inTransaction = (tx: Tx | undefined) => (tx ? { db: fromKysely(tx as never) } : {})

const within = async (ms: number, work: Promise<unknown>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work.catch(() => undefined), over])
  clearTimeout(timer)
}
