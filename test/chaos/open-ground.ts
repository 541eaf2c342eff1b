import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inject } from 'vitest'
import type { DeepPartial } from '../../src/config/load-config.ts'
import type { Config } from '../../src/config/schema.ts'
import { codeOf } from '../../src/domain/errors.ts'
import type { Database } from '../../src/store/database.ts'
import { migrate } from '../../src/store/migrate.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import type { World, WorldRepository, WorldUser } from '../../src/world/contract.ts'
import { startWorld } from '../../src/world/start-world.ts'
import { type PreparedDatabase, prepareDatabase } from '../databases.ts'
import { type Asked, chaosScript } from './chaos-script.ts'
import { chaosWorkflows } from './chaos-workflows.ts'
import { observeRows } from './observe-rows.ts'
import { loadWorker, type WorkerProcess } from './start-worker.ts'

/** A world and a database, with what it takes to have workers on them that die. */
export type Ground = {
  kind: Database['kind']
  world: World
  repository: WorldRepository
  alice: WorldUser
  /** What the model was asked, in the order in which it was. */
  asked: Asked[]
  /** Where commands leave their lines. */
  records: string
  dataDir: string
  /** The processes that work; the dead are taken out by whoever sees them die. */
  workers: Set<WorkerProcess>
  /** One more process at work. */
  startWorker: () => Promise<WorkerProcess>
  /** Rows, through whoever has the database open; waits for somebody to have it. */
  rows: <Row>(text: string, values?: unknown[]) => Promise<Row[]>
  /** The database opened by this process, for when nobody works on it. */
  look: <Result>(work: (database: Database) => Promise<Result>) => Promise<Result>
  close: () => Promise<void>
}

export type GroundOptions = {
  overrides?: DeepPartial<Config>
  /** A database of one's own, migrated or not, for who does things to its server. */
  prepared?: PreparedDatabase & { lookAt: string }
}

export const openGround = async (kind: Database['kind'], options: GroundOptions = {}): Promise<Ground> => {
  const folder = await mkdtemp(join(tmpdir(), 'journeyman-chaos-'))
  await chmod(folder, 0o755)
  const prepared = options.prepared ?? (await prepareDatabase(kind))
  await chmod(prepared.dataDir, 0o755)
  const look: Ground['look'] = async (work) => {
    const database = await openDatabase({ url: prepared.url, dataDir: prepared.dataDir, poolSize: 2 })
    return work(database).finally(() => database.close())
  }
  await look(async (database) => {
    await migrate(database)
    await database.query(observeRows)
  })
  const world = await startWorld({ folder: join(folder, 'world') })
  const asked: Asked[] = []
  world.claude.script = chaosScript(asked)
  const repository = await world.github.createRepository('acme/shop', files)
  const alice = world.github.addUser('alice')
  repository.setPermission('alice', 'write')
  const records = join(folder, 'records')
  await mkdir(records)
  await chmod(records, 0o777)
  await writeWorkflows(folder, records)
  const overrides = settingsOf(folder, prepared, world, options.overrides)
  const staff = createStaff(folder, overrides, await compileCache())
  // One connection for looking, which lives as long as the ground.
  const lookAt = options.prepared?.lookAt ?? prepared.url
  const watching = kind === 'postgres' ? await openDatabase({ ...prepared, url: lookAt, poolSize: 2 }) : null
  return {
    kind,
    world,
    repository,
    alice,
    asked,
    records,
    dataDir: prepared.dataDir,
    workers: staff.workers,
    startWorker: staff.start,
    rows: async <Row>(text: string, values: unknown[] = []) =>
      (watching ? await patiently(watching, text, values) : await staff.rows(text, values)) as Row[],
    look,
    close: async () => {
      await staff.close()
      await watching?.close()
      await world.close()
      await prepared.remove()
      await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

/** Kept from one ground to the next. */
const compileCache = async (): Promise<string> => {
  const folder = join(inject('templates').scratch, 'compile-cache')
  await mkdir(folder, { recursive: true })
  return folder
}

const files = {
  'README.md': 'A shop.\n',
  '.journeyman.yml': 'checks: []\n',
}

const writeWorkflows = async (folder: string, records: string): Promise<void> => {
  await mkdir(join(folder, 'workflows'))
  for (const [name, text] of Object.entries(chaosWorkflows(records)))
    await writeFile(join(folder, 'workflows', name), text)
}

/** On a machine that is at other work as well, workers lose leases that short to each other, and get nowhere. */
const leaseSeconds = Number(process.env['CHAOS_LEASE_SECONDS'] ?? 0.9)

/** Leases of a fraction of a second, and patience with nothing. */
const impatient: DeepPartial<Config> = {
  server: { host: '127.0.0.1', port: 0 },
  lanes: { advance_run: 6 },
  runs: {
    report_every_seconds: 1,
    lease_seconds: leaseSeconds,
    reap_every_seconds: 0.3,
    max_claims: 1_000,
    max_minutes: 30,
  },
  models: { primary: 'scripted-model', fallback: null },
  breakers: { failures: 3, open_seconds: 0.3, most_open_seconds: 0.6 },
  budget: { monthly_usd: 100_000 },
  sandbox: { kind: 'none' },
  log: { level: 'info' },
}

const settingsOf = (
  folder: string,
  prepared: PreparedDatabase,
  world: World,
  more: DeepPartial<Config> = {},
): DeepPartial<Config> => {
  const { app, apiUrl, url } = world.github
  const sections: { [section: string]: unknown } = {
    ...impatient,
    github: {
      app_id: app.id,
      private_key: app.privateKey,
      webhook_secret: app.webhookSecret,
      api_url: apiUrl,
      url,
      write_gap_ms: 0,
    },
    anthropic: {
      api_key: world.claude.apiKey,
      base_url: world.claude.url,
      max_retry_wait_seconds: 1,
      stall_seconds: 20,
    },
    database: { url: prepared.url, pool_size: 8 },
    workflows: { folder: join(folder, 'workflows') },
  }
  for (const [section, keys] of Object.entries(more))
    sections[section] = { ...(sections[section] as object | undefined), ...(keys as object) }
  return { ...sections, data_dir: prepared.dataDir }
}

/** The processes. One is always loaded ahead of its time. */
const createStaff = (folder: string, overrides: DeepPartial<Config>, cacheFolder: string) => {
  const workers = new Set<WorkerProcess>()
  const all = new Set<WorkerProcess>()
  let next: Promise<WorkerProcess> | null = null
  let closed = false
  const load = async (): Promise<WorkerProcess> => {
    const worker = await loadWorker(cacheFolder)
    all.add(worker)
    void worker.ended.then(() => workers.delete(worker))
    if (closed) worker.kill('SIGKILL')
    return worker
  }
  const rows = async (text: string, values: unknown[]): Promise<unknown> => {
    for (let tries = 0; tries < 600; tries++) {
      const [worker] = workers
      const found = worker && (await worker.ask({ do: 'query', text, values }).catch(tellUnlessDead(worker)))
      if (found !== undefined) return found
      await sleep(50)
    }
    throw new Error('Nobody had the database open for half a minute.')
  }
  return {
    workers,
    rows,
    start: async (): Promise<WorkerProcess> => {
      const worker = await (next ?? load())
      next = null
      const { url } = (await worker.ask({ do: 'start', folder, overrides })) as { url: string }
      worker.url = url
      workers.add(worker)
      next = load()
      next.catch(() => undefined)
      return worker
    },
    close: async () => {
      closed = true
      await next?.catch(() => undefined)
      for (const worker of all) worker.kill('SIGKILL')
      await Promise.all([...all].map((worker) => worker.ended))
    },
  }
}

/** A server that is being restarted is asked again. */
const patiently = async (database: Database, text: string, values: unknown[]): Promise<unknown[]> => {
  for (let tries = 1; ; tries++) {
    try {
      return (await database.query(text, values)).rows
    } catch (error) {
      if (codeOf(error) !== 'store_unavailable' || tries === 100) throw error
      await sleep(100)
    }
  }
}

const tellUnlessDead =
  (worker: WorkerProcess) =>
  async (error: unknown): Promise<undefined> => {
    // The end of a process is told a moment after its last words.
    await sleep(50)
    if (worker.endedAt() === null) throw error
  }
