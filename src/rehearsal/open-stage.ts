import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type App, buildApp } from '../app.ts'
import { type DeepPartial, loadConfig } from '../config/load-config.ts'
import type { Config } from '../config/schema.ts'
import type { World } from '../world/contract.ts'
import { startWorld } from '../world/start-world.ts'

/** The whole product beside a world of its own, kept open for as many cases as there are. */
export type Stage = {
  app: App
  world: World
  /** Takes over this folder of workflows and these wishes, and lets events start this workflow alone. */
  set: (play: { workflow: string; folder: string; prompts: string; wishes: Record<string, unknown> }) => Promise<void>
  /** Log lines since the last call. */
  takeLog: () => string[]
  nextNumber: () => number
  close: () => Promise<void>
}

const mostLogLines = 2_000

export const openStage = async (): Promise<Stage> => {
  const folder = await mkdtemp(join(tmpdir(), 'journeyman-test-'))
  // Commands run as somebody with fewer rights, who must be able to reach the work tree.
  await chmod(folder, 0o755)
  // Nothing is loaded until a workflow is tested: what is wrong with another one is not its affair.
  const nothing = join(folder, 'nothing')
  await mkdir(nothing)
  const world = await startWorld({ folder: join(folder, 'world'), validate: false })
  const play: Play = { offered: '', lines: [] }
  let app: App | null = null
  try {
    const began = await startApp(folder, nothing, world, play)
    app = began.app
    return stageOf({ ...began, folder, world, play })
  } catch (error) {
    await closeAll(app, world, folder)
    throw error
  }
}

type SandboxKind = Config['sandbox']['kind']
/** The workflow that events may start now, and what has been logged. */
type Play = { offered: string; lines: string[] }

/** In so many words, where there is no sandbox: the model is a script, and the repository is the test's own. */
const startApp = async (
  folder: string,
  nothing: string,
  world: World,
  play: Play,
  kind: SandboxKind = 'auto',
): Promise<{ app: App; kind: SandboxKind }> => {
  const app = buildApp(configOf(folder, world, kind, { folder: nothing }, {}), {
    web: true,
    worker: true,
    offers: (workflow) => workflow.definition.name === play.offered,
    writeLog: (line) => void (play.lines.push(line) > mostLogLines && play.lines.shift()),
  })
  const { url, sandbox } = await app.start()
  if (sandbox?.usable === false && kind === 'auto') {
    await app.stop(0)
    return startApp(folder, nothing, world, play, 'none')
  }
  world.github.webhookUrl = `${url}/webhooks/github`
  return { app, kind }
}

type Opened = { app: App; kind: SandboxKind; folder: string; world: World; play: Play }

const stageOf = ({ app, kind, folder, world, play }: Opened): Stage => {
  let number = 0
  return {
    app,
    world,
    set: async ({ workflow, folder: from, prompts, wishes }) => {
      play.offered = workflow
      await app.reconfigure(configOf(folder, world, kind, { folder: from, prompts }, wishes))
    },
    takeLog: () => play.lines.splice(0),
    nextNumber: () => {
      number += 1
      return number
    },
    close: () => closeAll(app, world, folder),
  }
}

const closeAll = async (app: App | null, world: World, folder: string): Promise<void> => {
  await app?.stop(0)
  await world.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
}

/** Nobody's own configuration has a say, so that a test comes out the same everywhere: a case says what it needs. */
const configOf = (
  folder: string,
  world: World,
  kind: SandboxKind,
  workflows: Partial<Config['workflows']>,
  wishes: Record<string, unknown>,
): Config => {
  const { app, apiUrl, url } = world.github
  const overrides: DeepPartial<Config> = {
    data_dir: join(folder, 'data'),
    server: { host: '127.0.0.1', port: 0 },
    runs: { report_every_seconds: 1, lease_seconds: 5, reap_every_seconds: 0.2, held_wait_seconds: 0 },
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
      stall_seconds: 5,
    },
    models: { primary: 'scripted-model', fallback: null },
    sandbox: { kind },
    workflows,
    log: { level: 'info' },
  }
  return loadConfig({ folder, environment: {}, overrides: merged(overrides, wishes) as DeepPartial<Config> }).config
}

/** `runs.max_cost_usd: 1` over `{ runs: { … } }`. */
const merged = (into: object, wishes: Record<string, unknown>): Record<string, unknown> => {
  const result = structuredClone(into) as Record<string, unknown>
  for (const [path, value] of Object.entries(wishes)) {
    const keys = path.split('.')
    const last = keys.pop() ?? path
    let place = result
    for (const key of keys) {
      place[key] ??= {}
      place = place[key] as Record<string, unknown>
    }
    place[last] = value
  }
  return result
}
