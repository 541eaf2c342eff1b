import { chmod, cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { createQueue } from '../src/queue/queue.ts'
import type { Database } from '../src/store/database.ts'
import { migrate } from '../src/store/migrate.ts'
import { openDatabase } from '../src/store/open-database.ts'
import type { World } from '../src/world/contract.ts'
import { startWorld } from '../src/world/start-world.ts'
import { type PostgresServer, startPostgres } from '../test/embedded-postgres.ts'
import { makeScratchRoot } from '../test/scratch-root.ts'

export type DatabaseKind = Database['kind']

/** An empty, migrated database that nobody has opened. */
export type Place = { kind: DatabaseKind; url: string | null; dataDir: string }

/**
 * What measurements share: made when one first needs it, ended with `close`. What a measurement opens for itself it hands
 * to `after`, which is done in the opposite order once it is over.
 */
export type Bench = {
  /** So many rounds, or fewer where a quick look is wanted. */
  rounds: (full: number) => number
  say: (text: string) => void
  /** A new folder, which the sandbox's user may pass through. */
  folder: () => Promise<string>
  /** A copy of a migrated database. null where this platform has no PostgreSQL binaries. */
  place: (kind: DatabaseKind, options?: { durable?: boolean }) => Promise<Place | null>
  /** GitHub with real git, in this process and without the validation that only tests want. */
  world: () => Promise<World>
  after: (end: () => Promise<unknown>) => void
  tidy: () => Promise<void>
  close: () => Promise<void>
}

const template = 'bench_template'

export const openBench = async (options: { quick: boolean; say: (text: string) => void }): Promise<Bench> => {
  const root = await mkdtemp(join(tmpdir(), 'journeyman-bench-'))
  await chmod(root, 0o755)
  const ofMeasurement: (() => Promise<unknown>)[] = []
  const ofAll: (() => Promise<unknown>)[] = []
  const once = <Value>(make: () => Promise<Value>): (() => Promise<Value>) => {
    let made: Promise<Value> | undefined
    return () => (made ??= make())
  }
  const folder = async (): Promise<string> => {
    const made = await mkdtemp(join(root, 'part-'))
    await chmod(made, 0o755)
    return made
  }
  const pgliteTemplate = once(async () => {
    const dataDir = await folder()
    await prepare({ url: null, dataDir })
    return join(dataDir, 'pglite')
  })
  const scratch = once(async () => {
    const made = await makeScratchRoot()
    ofAll.push(made.remove)
    return made
  })
  const server = (durable: boolean) =>
    once(async () => {
      // What keeps nothing safe is on the disk in memory, where there is one, and ends also when this process is killed.
      const parent = durable ? await folder() : (await scratch()).folder
      const started = await startPostgres(join(parent, 'postgres'), { durable })
      if (!started) return null
      ofAll.push(started.stop)
      await administer(started, `create database ${template}`)
      await prepare({ url: urlOf(started, template), dataDir: root })
      return started
    })
  const servers = { quick: server(false), durable: server(true) }
  let databases = 0

  const postgresPlace = async (durable: boolean): Promise<Place | null> => {
    const started = await (durable ? servers.durable() : servers.quick())
    if (!started) return null
    databases += 1
    const name = `bench_${databases}`
    await administer(started, `create database ${name} template ${template}`)
    return { kind: 'postgres', url: urlOf(started, name), dataDir: await folder() }
  }
  const pglitePlace = async (): Promise<Place> => {
    const dataDir = await folder()
    await cp(await pgliteTemplate(), join(dataDir, 'pglite'), { recursive: true })
    return { kind: 'pglite', url: null, dataDir }
  }

  return {
    rounds: (full) => (options.quick ? Math.max(1, Math.ceil(full / 4)) : full),
    say: options.say,
    folder,
    place: (kind, { durable = false } = {}) => (kind === 'pglite' ? pglitePlace() : postgresPlace(durable)),
    world: once(async () => {
      const world = await startWorld({ folder: await folder(), validate: false })
      ofAll.push(world.close)
      return world
    }),
    after: (end) => void ofMeasurement.push(end),
    tidy: () => endAll(ofMeasurement),
    close: async () => {
      await endAll(ofMeasurement)
      await endAll(ofAll)
      await rm(root, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

const endAll = async (ends: (() => Promise<unknown>)[]): Promise<void> => {
  for (const end of ends.splice(0).reverse()) await end()
}

/** All tables, the queue's too. */
const prepare = async (where: { url: string | null; dataDir: string }): Promise<void> => {
  const database = await openDatabase({ ...where, poolSize: 2 })
  try {
    await migrate(database)
    const queue = createQueue(database)
    await queue.start()
    await queue.stop({ graceMs: 1_000 })
  } finally {
    await database.close()
  }
}

const urlOf = (server: PostgresServer, name: string): string => server.url.replace(/\/postgres$/, `/${name}`)

const administer = async (server: PostgresServer, statement: string): Promise<void> => {
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
