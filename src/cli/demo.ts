import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type App, buildApp } from '../app.ts'
import { processEnvironment } from '../config/environment.ts'
import { type DeepPartial, loadConfig } from '../config/load-config.ts'
import type { Config } from '../config/schema.ts'
import { JourneymanError } from '../domain/errors.ts'
import { isLive } from '../domain/run.ts'
import { getDelivery } from '../store/deliveries.ts'
import { isTold } from '../store/reporting.ts'
import { getRun } from '../store/runs.ts'
import { loadSteps } from '../store/steps.ts'
import type { SandboxStatus } from '../workspace/contract.ts'
import { createSandbox } from '../workspace/sandbox/sandbox.ts'
import type { World, WorldIssue, WorldRepository } from '../world/contract.ts'
import { demoScript } from '../world/demo/demo-script.ts'
import { sampleRepository } from '../world/demo/sample-repository.ts'
import { startWorld } from '../world/start-world.ts'
import { demoResult } from './demo-result.ts'
import { createDemoScreen, type DemoScreen } from './demo-screen.ts'
import type { ExitCode } from './exit-code.ts'
import { untilEnded } from './until-ended.ts'

export type DemoOptions = { json?: boolean; live?: boolean; database?: string; keep?: boolean }

const mostMinutes = 30
const lookEveryMs = 150

/** The whole path on one machine: real git, a real database, the real engine, and a stand-in for everything outside. */
export const demo = async (options: DemoOptions): Promise<ExitCode> => {
  requireAddress(options.database)
  const asked = askedToEnd()
  const screen = createDemoScreen(options.json === true, processEnvironment())
  const folder = await mkdtemp(join(tmpdir(), 'journeyman-demo-'))
  // The agent's commands run as somebody with fewer rights, who must be able to reach the work tree.
  await chmod(folder, 0o755)
  const world = await startWorld({ folder: join(folder, 'world') })
  world.claude.script = demoScript
  let app: App | null = null
  try {
    const config = await demoConfig(options, folder, world, screen)
    app = buildApp(config, { web: true, worker: true, writeLog: () => undefined })
    const { url, sandbox } = await app.start()
    screen.began({ world, database: app.database().kind, sandbox, live: options.live === true })
    world.github.webhookUrl = `${url}/webhooks/github`
    const { repository, issue, runId } = await labelIssue(world, app)
    const state = await follow(app, runId, screen, asked)
    const result = await demoResult({ app, world, repository, issue, runId, sandbox: sandbox?.kind ?? 'none' })
    await screen.ended(result, repository, issue)
    if (options.keep) {
      screen.keeping(url, { dataDir: config.data_dir, database: options.database })
      await asked.promise
    }
    return state === 'done' ? 0 : 1
  } finally {
    await app?.stop()
    await world.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

const requireAddress = (database: string | undefined): void => {
  if (database === undefined || (/^postgres(ql)?:\/\/./.test(database) && URL.canParse(database))) return
  throw new JourneymanError('invalid_input', '--database takes the address of a PostgreSQL.', {
    nextAction: 'It looks like postgres://user:password@host:5432/name. Leave it out for the embedded database.',
  })
}

const demoConfig = async (options: DemoOptions, folder: string, world: World, screen: DemoScreen): Promise<Config> => {
  const environment = processEnvironment()
  const apiKey = options.live ? environment['ANTHROPIC_API_KEY'] : world.claude.apiKey
  if (!apiKey) {
    throw new JourneymanError('invalid_configuration', '--live needs ANTHROPIC_API_KEY in the environment.')
  }
  const overrides: DeepPartial<Config> = {
    data_dir: join(folder, 'data'),
    server: { host: '127.0.0.1', port: 0 },
    database: { url: options.database ?? null },
    runs: { report_every_seconds: 1 },
    github: {
      app_id: world.github.app.id,
      private_key: world.github.app.privateKey,
      webhook_secret: world.github.app.webhookSecret,
      api_url: world.github.apiUrl,
      url: world.github.url,
      write_gap_ms: 0,
    },
    anthropic: { api_key: apiKey, ...(!options.live && { base_url: world.claude.url }) },
    ...(!options.live && { models: { primary: 'scripted-model', fallback: null } }),
    log: { level: 'silent' },
  }
  const { config } = loadConfig({ folder, environment, overrides })
  const found = await findSandbox(config)
  if (found.usable) return config
  if (options.live) {
    throw new JourneymanError(
      'sandbox_unavailable',
      `--live needs a sandbox, since a real model decides what runs here. ${found.summary}`,
    )
  }
  screen.withoutSandbox(found.summary)
  // In so many words: the model is a script and the repository is our own.
  return { ...config, sandbox: { ...config.sandbox, kind: 'none' } }
}

const findSandbox = async (config: Config): Promise<SandboxStatus> => {
  const { kind: _, ...limits } = config.sandbox
  const sandbox = await createSandbox({ kind: 'auto', limits, scratchDir: join(config.data_dir, 'probe') })
  await sandbox.close()
  return sandbox.status
}

const labelIssue = async (
  world: World,
  app: App,
): Promise<{ repository: WorldRepository; issue: WorldIssue; runId: string }> => {
  const repository = await world.github.createRepository(sampleRepository.name, sampleRepository.files)
  const person = world.github.addUser('alice')
  repository.setPermission(person.login, 'write')
  const issue = repository.createIssue({ ...sampleRepository.issue, author: person })
  const delivered = await repository.label(issue.number, 'ai', person)
  const known = await getDelivery(app.database().db, 'github', delivered.guid)
  const [runId] = known?.runs ?? []
  if (runId === undefined)
    throw new JourneymanError('internal', `The webhook was answered ${delivered.status}: ${delivered.body}`)
  return { repository, issue, runId }
}

const follow = async (app: App, runId: string, screen: DemoScreen, asked: Asked): Promise<string> => {
  const latest = Date.now() + mostMinutes * 60_000
  while (Date.now() < latest) {
    const run = await getRun(app.database().db, runId)
    if (run) await screen.look(await loadSteps(app.database().db, runId), await app.planOf(run.definitionHash))
    if (run && !isLive(run.state) && (await isTold(app.database().db, runId))) return run.state
    if (asked.yes) throw new JourneymanError('stopped', 'The demo was ended before its run was.')
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
  throw new JourneymanError('timeout', `The run did not end within ${mostMinutes} minutes.`)
}

type Asked = { promise: Promise<void>; yes: boolean }

/** From here on a signal is no sudden death: everything is ended in good order, and the folder removed. */
const askedToEnd = (): Asked => {
  const asked: Asked = { promise: Promise.resolve(), yes: false }
  asked.promise = untilEnded(new Promise<never>(() => undefined)).then(() => {
    asked.yes = true
  })
  return asked
}
