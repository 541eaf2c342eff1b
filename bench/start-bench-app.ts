import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type App, buildApp } from '../src/app.ts'
import { type DeepPartial, loadConfig } from '../src/config/load-config.ts'
import type { Config } from '../src/config/schema.ts'
import type { World } from '../src/world/contract.ts'
import type { Bench, DatabaseKind, Place } from './open-bench.ts'

export type BenchApp = { app: App; url: string; config: Config }

export type BenchAppOptions = {
  world: World
  place: Place
  worker: boolean
  /** File name -> text, instead of the workflows that ship. */
  workflows?: Record<string, string>
  config?: DeepPartial<Config>
}

/** The real application in this process, on a database of its own, its outside the world. Ended with the measurement. */
export const startBenchApp = async (bench: Bench, options: BenchAppOptions): Promise<BenchApp> => {
  const config = await benchConfig(bench, options)
  const app = buildApp(config, { web: true, worker: options.worker, writeLog: () => undefined })
  const { url } = await app.start()
  bench.after(() => app.stop())
  return { app, url: url ?? '', config }
}

const benchConfig = async (bench: Bench, { world, place, workflows, config }: BenchAppOptions): Promise<Config> => {
  const folder = await bench.folder()
  await writeWorkflows(folder, workflows ?? {})
  const { github, claude } = world
  const overrides: DeepPartial<Config> = {
    data_dir: place.dataDir,
    server: { host: '127.0.0.1', port: 0 },
    database: { url: place.url },
    github: {
      app_id: github.app.id,
      private_key: github.app.privateKey,
      webhook_secret: github.app.webhookSecret,
      api_url: github.apiUrl,
      url: github.url,
    },
    anthropic: { api_key: claude.apiKey, base_url: claude.url },
    models: { primary: 'scripted-model', fallback: null },
    ...(workflows && { workflows: { folder: join(folder, 'workflows') } }),
    log: { level: 'silent' },
    ...config,
  }
  return loadConfig({ folder, environment: {}, overrides }).config
}

const writeWorkflows = async (folder: string, workflows: Record<string, string>): Promise<void> => {
  await mkdir(join(folder, 'workflows'))
  for (const [name, text] of Object.entries(workflows)) await writeFile(join(folder, 'workflows', name), text)
}

/** Calls for each kind of database that there is here. */
export const onEachDatabase = async <Value>(
  bench: Bench,
  work: (place: Place, name: string) => Promise<Value>,
): Promise<Value[]> => {
  const values: Value[] = []
  for (const kind of ['pglite', 'postgres'] as const) {
    const place = await bench.place(kind)
    if (place) values.push(await work(place, databaseNames[kind]))
    await bench.tidy()
  }
  return values
}

export const databaseNames: Record<DatabaseKind, string> = { pglite: 'PGlite', postgres: 'PostgreSQL' }
