import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { delimiter, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { installedVersion } from '../../src/config/version.ts'
import { processesWith } from '../../src/workspace/sandbox/sandbox.fixture.ts'
import { openHouse } from './house.ts'
import { type Ended, emptyFolder, journeyman } from './journeyman.ts'

/** A sentence, and at most another one that says what to do; no stack, no noise, nothing on standard output. */
const expectSentence = ({ code, out, err }: Ended, exitCode: number, sentence: RegExp): void => {
  expect(err).toMatch(sentence)
  expect({ code, out }).toEqual({ code: exitCode, out: '' })
  expect(err.trim().split('\n').length).toBeLessThanOrEqual(2)
  for (const line of err.trim().split('\n')) expect(line).toMatch(/^\S.*\.$/)
}

const listening = async (): Promise<Server & { port: number }> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return Object.assign(server, { port: (server.address() as { port: number }).port })
}

describe('a start that cannot be', () => {
  it('names every credential that is missing, or every mistake of the configuration with its place', async () => {
    const cwd = await emptyFolder()
    expectSentence(
      await journeyman(['serve'], { cwd }),
      3,
      /^GITHUB_APP_ID, .*, ANTHROPIC_API_KEY are not set\..*npm run demo/,
    )

    await writeFile(
      join(cwd, 'journeyman.yaml'),
      'server:\n  prt: 1\n  port: "x"\nruns:\n  max_cost_usd: -1\nmodels: 3\n',
    )
    await writeFile(join(cwd, 'journeyman.staging.yaml'), 'log:\n  level: loud\ngithub:\n  app_id: ${NOT_THERE}\n')
    const { code, out, err } = await journeyman(['serve'], { cwd, environment: { JOURNEYMAN_ENV: 'staging' } })
    expect({ code, out }).toEqual({ code: 3, out: '' })
    expect(err.split('\n')).toEqual([
      'The configuration has 6 mistakes:',
      expect.stringMatching(/^ {2}journeyman\.staging\.yaml:2:3 {2}log\.level: has to be one of trace, /),
      expect.stringMatching(/^ {2}journeyman\.staging\.yaml:4:11 {2}github\.app_id: needs NOT_THERE/),
      '  journeyman.yaml:2:3  server.prt: there is no such key; did you mean "port"?',
      '  journeyman.yaml:3:3  server.port: has to be a number',
      '  journeyman.yaml:5:3  runs.max_cost_usd: has to be at least 0',
      '  journeyman.yaml:6:1  models: has to be a block of keys',
      "Correct what is listed; the installation's journeyman.yaml explains every key.",
      '',
    ])
  })

  it('says which database it cannot reach, also one that never answers, and which port is taken', async () => {
    const house = await openHouse('pglite')
    const cwd = await emptyFolder()
    const { port } = await listening()
    const elsewhere = { ...house.environment, JOURNEYMAN_DATA_DIR: join(cwd, 'data') }
    const addresses = ['127.0.0.1:1', 'nowhere.invalid', `127.0.0.1:${port}`]
    const unreachable = addresses.map((address) => {
      const environment = { ...elsewhere, DATABASE_URL: `postgres://who:kept-to-ourselves@${address}/x` }
      return journeyman(['serve'], { cwd, environment })
    })
    const taken = journeyman(['serve'], { cwd, environment: { ...house.environment, PORT: String(port) } })
    expectSentence(await taken, 3, /^The address 127\.0\.0\.1:\d+ cannot be listened on: .*\n.*PORT/)
    for (const ended of await Promise.all(unreachable)) {
      expectSentence(ended, 3, /^The database cannot be used now: .*\.\nSee that PostgreSQL runs .* start again\.\n$/)
      expect(ended.err).not.toContain('kept-to-ourselves')
    }
    // A start that fails leaves no process behind.
    expect(await processesWith(house.config().data_dir)).toEqual([])
    expect(await processesWith(cwd)).toEqual([])
  })

  it('says which folder it cannot work in', async () => {
    const cwd = await emptyFolder()
    const file = join(cwd, 'file')
    await writeFile(file, '')
    for (const place of [file, join(file, 'data')]) {
      const ended = await journeyman(['migrate'], { cwd, environment: { JOURNEYMAN_DATA_DIR: place } })
      expectSentence(ended, 3, /^\S+ should be a folder, and is something else\.\n.*JOURNEYMAN_DATA_DIR/)
    }
  })

  it('says which process holds the data folder, without harm to that one', async () => {
    const house = await openHouse('pglite')
    const cwd = await emptyFolder()
    const environment = { ...house.environment, PORT: '0' }
    const first = await house.spawn()
    const seconds = ['serve', 'migrate'].map((command) => journeyman([command], { cwd, environment }))
    for (const second of await Promise.all(seconds)) {
      expectSentence(
        second,
        3,
        new RegExp(`^The data folder .* is in use by process ${first.pid} on .*\\n.*DATABASE_URL`),
      )
    }
    expect(await fetch(`${first.url}/health/ready`)).toMatchObject({ status: 200 })
    expect((await house.label()).status).toBe(202)
    const apart = await journeyman(['worker'], { cwd, environment })
    expectSentence(apart, 3, /^The embedded database serves one process: set DATABASE_URL/)
  })
})

describe('the command line', () => {
  it('knows what it knows: the rest is exit code 2, with the list', async () => {
    const cwd = await emptyFolder()
    const wrong = [['srve'], [], ['serve', '--onyl', 'web'], ['migrate', 'now'], ['--jsn']]
    const [command, nothing, option, ...rest] = await Promise.all(wrong.map((args) => journeyman(args, { cwd })))
    for (const ended of [command, nothing, option, ...rest]) {
      expect(ended).toMatchObject({ code: 2, out: '', err: expect.stringContaining('Usage: journeyman') })
    }
    for (const name of commands) expect(command?.err).toMatch(new RegExp(`^ {2}${name}\\b`, 'm'))
    expect(command?.err).toContain('Did you mean serve?')
    expect(option?.err).toContain('--only <part>')
    expectSentence(await journeyman(['serve', '--only', 'half'], { cwd }), 2, /"web" or "worker", not "half"/)
  })

  it('checks files and folders, and takes a path that is not there for no good one', async () => {
    const cwd = await emptyFolder()
    await mkdir(join(cwd, 'flows'))
    await mkdir(join(cwd, 'empty'))
    await writeFile(join(cwd, 'flows/good.yaml'), 'name: good\nsteps: [ { name: a, command: x } ]\n')
    await writeFile(join(cwd, 'flows/bad.yaml'), 'name: bad\nsteps: [ { name: a, comand: x } ]\n')
    const say = (...args: string[]) => journeyman(args, { cwd })
    expect(await say('check', 'flows')).toEqual({
      code: 1,
      out: expect.stringMatching(
        /^error: flows\/bad\.yaml:2:.* `command`\?\n(.*\n)*good is good \(flows\/good\.yaml\)\n$/,
      ),
      err: '',
    })
    const { code, out } = await say('check', 'flows', '--json')
    expect([code, JSON.parse(out)]).toMatchObject([1, { good: false, workflows: [{ name: 'good' }] }])
    for (const command of ['check', 'graph', 'test']) {
      expectSentence(await say(command, 'flows/god.yaml'), 2, /^There is no file flows\/god\.yaml\.\n/)
      expectSentence(await say(command, 'empty'), 2, /^There is no workflow in the folder empty\.\n/)
    }
    expectSentence(await say('check', 'flows/good.yaml', 'god.yaml'), 2, /^There is no file god\.yaml\.\n/)
    expectSentence(await say('graph', 'flows'), 2, /^flows is a folder\./)
  })

  it('says which version it is', async () => {
    const { code, out } = await journeyman(['--version'], { cwd: await emptyFolder() })
    expect([code, out]).toEqual([0, `journeyman ${installedVersion()}\n`])
  })

  it('explains each command with an example', async () => {
    const cwd = await emptyFolder()
    const helps = await Promise.all(commands.map((name) => journeyman([name, '--help'], { cwd })))
    for (const [index, { code, out, err }] of helps.entries()) {
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(out).toMatch(new RegExp(`Example:\\n {2}.*journeyman ${commands[index]}\\b`))
    }
  })

  const old = olderNode()
  it.skipIf(old === null)('refuses a Node that is too old, in one sentence', async () => {
    for (const command of ['serve', 'demo']) {
      const ended = await journeyman([command], { cwd: await emptyFolder(), runner: [old ?? ''] })
      expectSentence(ended, 3, /^Journeyman needs Node 24 or later, and this is Node \d+\..*npm/)
    }
  })
})

/** Every command that there is, from the one place that names them. */
const commands = [
  ...readFileSync(join(import.meta.dirname, '../../src/cli/command-line.ts'), 'utf8').matchAll(/\.command\('([\w-]+)/g),
].map((match) => match[1] ?? '')

/** A Node on this machine that is older than ours needs; null, and a word about it, where there is none. */
function olderNode(): string | null {
  const places = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/local/bin']
  for (const node of places.map((place) => join(place, 'node'))) {
    try {
      if (Number(/^v(\d+)/.exec(execFileSync(node, ['--version'], { encoding: 'utf8' }))?.[1]) < 24) return node
    } catch {
      // Not there, or not to be run.
    }
  }
  console.warn('SKIPPED: no Node older than 24 on this machine, so its refusal is not tested.')
  return null
}
