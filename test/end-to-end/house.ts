import { spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, inject, onTestFinished } from 'vitest'
import { type App, buildApp } from '../../src/app.ts'
import { type DeepPartial, loadConfig } from '../../src/config/load-config.ts'
import type { Config } from '../../src/config/schema.ts'
import { isLive, type Run } from '../../src/domain/run.ts'
import type { Database } from '../../src/store/database.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import { getRun, listRuns } from '../../src/store/runs.ts'
import type { Script, World, WorldIssue, WorldRepository, WorldUser } from '../../src/world/contract.ts'
import { demoScript } from '../../src/world/demo/demo-script.ts'
import { sampleRepository } from '../../src/world/demo/sample-repository.ts'
import { startWorld } from '../../src/world/start-world.ts'
import { compiledOnce } from '../compiled-once.ts'
import { type PreparedDatabase, prepareDatabase } from '../databases.ts'

/** A world with one repository, a person who may write, a ticket, and what it takes to run the product beside it. */
export type House = {
  world: World
  repository: WorldRepository
  alice: WorldUser
  issue: WorldIssue
  config: (overrides?: DeepPartial<Config>) => Config
  /** Where processes of their own start: its `journeyman.yaml` is theirs. */
  folder: string
  /** All that such a process is told about the services and the database. */
  environment: Record<string, string>
  /** The whole application in this process. */
  start: (overrides?: DeepPartial<Config>, parts?: { web?: boolean; worker?: boolean }) => Promise<App>
  /** `journeyman serve` as a process of its own, with an environment of its own. */
  spawn: (environment?: Record<string, string>, args?: string[]) => Promise<Served>
  /** A look into the database, opened for it where no app has it open. */
  look: <Result>(work: (database: Database) => Promise<Result>) => Promise<Result>
  label: (guid?: string) => Promise<{ status: number; body: string; guid: string }>
}

export type Served = {
  pid: number
  url: string
  /** Resolves with the signal's name or the exit code. */
  ended: Promise<string | number>
  kill: (signal: NodeJS.Signals) => void
  log: () => string
}

/** The same suite on the embedded database and on PostgreSQL. */
export const describeOnEachHouse = (name: string, suite: (open: OpenHouse, kind: Database['kind']) => void): void => {
  describe(`${name} (pglite)`, () => suite((options) => openHouse('pglite', options), 'pglite'))
  describe.skipIf(inject('templates').postgresUrl === null)(`${name} (postgres)`, () =>
    suite((options) => openHouse('postgres', options), 'postgres'),
  )
}

export type HouseOptions = {
  script?: Script
  files?: Record<string, string>
  issue?: { title: string; body: string }
}
export type OpenHouse = (options?: HouseOptions) => Promise<House>

/** Everything in it is ended and removed when the test is over. */
export const openHouse = async (kind: Database['kind'], options: HouseOptions = {}): Promise<House> => {
  const endings: (() => Promise<unknown>)[] = []
  onTestFinished(async () => {
    for (const end of endings.reverse()) await end()
  })
  const folder = await mkdtemp(join(tmpdir(), 'journeyman-e2e-'))
  endings.push(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  await chmod(folder, 0o755)
  const prepared = await prepareDatabase(kind)
  endings.push(prepared.remove)
  await chmod(prepared.dataDir, 0o755)
  const world = await startWorld({ folder: join(folder, 'world') })
  endings.push(() => world.close())
  world.claude.script = options.script ?? demoScript
  const repository = await world.github.createRepository(sampleRepository.name, options.files ?? sampleRepository.files)
  const alice = world.github.addUser('alice')
  repository.setPermission('alice', 'write')
  const issue = repository.createIssue({ ...(options.issue ?? sampleRepository.issue), author: alice })
  const config = (overrides: DeepPartial<Config> = {}) => configOf(folder, prepared, world, overrides)
  const environment = environmentOf(prepared, world)
  await writeFile(join(folder, 'journeyman.yaml'), `${JSON.stringify(brisk)}\n`)
  let open: Database | null = null

  return {
    world,
    repository,
    alice,
    issue,
    config,
    folder,
    environment,
    start: async (overrides, parts) => {
      const app = buildApp(config(overrides), { web: true, worker: true, writeLog: () => undefined, ...parts })
      const { url } = await app.start()
      open = app.database()
      endings.push(async () => {
        open = null
        await app.stop(0)
      })
      world.github.webhookUrl = `${url}/webhooks/github`
      return app
    },
    spawn: async (more = {}, args = []) => {
      const served = await spawnServe(folder, { ...environment, ...more }, args)
      endings.push(async () => {
        served.kill('SIGKILL')
        await served.ended
      })
      if (served.url !== '') world.github.webhookUrl = `${served.url}/webhooks/github`
      return served
    },
    look: async (work) => {
      if (open) return work(open)
      const database = await openDatabase({ url: prepared.url, dataDir: prepared.dataDir, poolSize: 2 })
      try {
        return await work(database)
      } finally {
        await database.close()
      }
    },
    label: (guid) => repository.label(issue.number, 'ai', alice, guid === undefined ? {} : { guid }),
  }
}

/** Quick where patience is not what is tested. */
const brisk: DeepPartial<Config> = {
  server: { host: '127.0.0.1', port: 0 },
  runs: { report_every_seconds: 1, lease_seconds: 4, reap_every_seconds: 0.5 },
  github: { write_gap_ms: 0 },
  models: { primary: 'scripted-model', fallback: null },
  anthropic: { max_retry_wait_seconds: 1, stall_seconds: 20 },
  log: { level: 'info' },
}

const configOf = (folder: string, prepared: PreparedDatabase, world: World, overrides: DeepPartial<Config>): Config => {
  const merged = structuredClone(brisk) as Record<string, Record<string, unknown>>
  for (const [section, keys] of Object.entries(overrides)) {
    merged[section] = typeof keys === 'object' ? { ...merged[section], ...keys } : (keys as never)
  }
  const { app, apiUrl, url } = world.github
  merged['github'] = {
    app_id: app.id,
    private_key: app.privateKey,
    webhook_secret: app.webhookSecret,
    api_url: apiUrl,
    url,
    ...merged['github'],
  }
  merged['anthropic'] = { api_key: world.claude.apiKey, base_url: world.claude.url, ...merged['anthropic'] }
  merged['database'] = { url: prepared.url, ...merged['database'] }
  return loadConfig({ folder, environment: {}, overrides: { ...merged, data_dir: prepared.dataDir } }).config
}

const environmentOf = (prepared: PreparedDatabase, world: World): Record<string, string> => {
  const { app, apiUrl, url } = world.github
  return {
    PATH: process.env['PATH'] ?? '',
    JOURNEYMAN_DATA_DIR: prepared.dataDir,
    DATABASE_URL: prepared.url ?? '',
    GITHUB_APP_ID: app.id,
    GITHUB_PRIVATE_KEY: app.privateKey,
    GITHUB_WEBHOOK_SECRET: app.webhookSecret,
    GITHUB_API_URL: apiUrl,
    GITHUB_SERVER_URL: url,
    ANTHROPIC_API_KEY: world.claude.apiKey,
    ANTHROPIC_BASE_URL: world.claude.url,
  }
}

const program = join(import.meta.dirname, '../../bin/journeyman.js')

const spawnServe = async (folder: string, env: Record<string, string>, args: string[]): Promise<Served> => {
  const child = spawn(process.execPath, [...compiledOnce, program, 'serve', ...args], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    env,
  })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString('utf8')
  })
  const ended = new Promise<string | number>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code ?? -1))
  })
  const over = () => child.exitCode !== null || child.signalCode !== null
  await until('the process is ready', async () => log.includes('"msg":"ready"') || over())
  const ready = log.split('\n').find((line) => line.includes('"msg":"ready"'))
  const address = ready ? String((JSON.parse(ready) as { url: string | null }).url ?? '') : ''
  return {
    pid: child.pid ?? -1,
    url: address,
    ended,
    kill: (signal) => {
      if (!over()) child.kill(signal)
    },
    log: () => log,
  }
}

/** Looks again and again; rejects with what was waited for when it does not come. */
export const until = async (what: string, look: () => Promise<boolean>, mostSeconds = 60): Promise<void> => {
  const latest = Date.now() + mostSeconds * 1000
  while (!(await look())) {
    if (Date.now() > latest) throw new Error(`Waited ${mostSeconds} s in vain until ${what}.`)
    await wait(50)
  }
}

/** The run of the ticket, once it has ended and people have been told. */
export const ended = async (house: House): Promise<Run> => {
  let run: Run | undefined
  await until('the run has ended and is told', () =>
    house.look(async ({ db }) => {
      const [newest] = await listRuns(db, { limit: 1 })
      run = newest
      if (!newest || isLive(newest.state)) return false
      const row = await db
        .selectFrom('workflow_executions')
        .select(['report_dirty', 'report_until', 'acknowledged_at'])
        .where('id', '=', newest.id)
        .executeTakeFirstOrThrow()
      return row.acknowledged_at === null || (!row.report_dirty && row.report_until === null)
    }),
  )
  const found = await house.look(({ db }) => getRun(db, run?.id ?? ''))
  if (!found) throw new Error('There is no run.')
  return found
}

/** Comments of the app that carry the progress marker of any run. */
export const progressComments = (house: House) =>
  house.repository.comments(house.issue.number).filter((comment) => comment.body.includes('<!-- journeyman:progress:'))
