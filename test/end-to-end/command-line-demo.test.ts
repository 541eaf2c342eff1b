import { execFileSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { bubblewrapMissing, processesWith } from '../../src/workspace/sandbox/sandbox.fixture.ts'
import { prepareDatabase } from '../databases.ts'
import { until } from './house.ts'
import { type Ended, emptyFolder, journeyman, startJourneyman } from './journeyman.ts'

const missing = await bubblewrapMissing()

/** What issue 2 promises of the last line, key by key. */
const promised = (sandbox: string, database: string) => ({
  run: {
    id: expect.stringMatching(/^run_/),
    state: 'done',
    workflow: 'standard_dev_workflow',
    steps: expect.any(Array),
  },
  change: {
    number: 2,
    url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/acme\/corner-shop\/pull\/2$/),
    title: 'fix(cart): count an item as often as it is bought',
    branch: expect.stringMatching(/^journeyman\/1-/),
    headSha: expect.stringMatching(/^[0-9a-f]{40}$/),
    files: ['src/cart.js', 'test/cart.test.js'],
  },
  comment: { url: expect.stringMatching(/#issuecomment-\d+$/), edits: expect.any(Number) },
  tokens: {
    input: expect.any(Number),
    output: expect.any(Number),
    cacheRead: expect.any(Number),
    cacheWrite: expect.any(Number),
  },
  costUsd: expect.any(Number),
  sandbox,
  database,
})

const expectPromised = ({ code, out, err }: Ended, sandbox: string, database: string): void => {
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' })
  const result = JSON.parse(out.trimEnd().split('\n').at(-1) ?? '')
  expect(out).toBe(`${JSON.stringify(result)}\n`)
  expect(result).toEqual(promised(sandbox, database))
  expect(result.run.steps.length).toBeGreaterThan(5)
  for (const step of result.run.steps) {
    expect(step).toEqual({
      name: expect.any(String),
      state: 'done',
      seconds: expect.any(Number),
      costUsd: expect.any(Number),
    })
  }
  expect(result.costUsd).toBeGreaterThan(0)
}

/** Of what the demo laid down, nothing. The cache of compiled code (`bin/compile-cache.js`) is there for the next start. */
const expectTidy = async (temporary: string): Promise<void> => {
  expect((await readdir(temporary)).filter((name) => /^journeyman-(?!compiled)/.test(name))).toEqual([])
  expect(await processesWith(temporary)).toEqual([])
}

describe('the demo', () => {
  it('prints one object for machines as its last line, and leaves nothing behind', async () => {
    const cwd = await emptyFolder()
    const ended = await journeyman(['demo', '--json'], { cwd, environment: { TMPDIR: cwd } })
    expectPromised(ended, missing === null ? 'bubblewrap' : 'none', 'pglite')
    expect(ended.err).toContain('Pull request #2')
    await expectTidy(cwd)
  })

  it('is tidy also when it is ended in the middle', async () => {
    const cwd = await emptyFolder()
    const started = startJourneyman(['demo'], { cwd, environment: { TMPDIR: cwd } })
    await until('it has begun', async () => started.out().includes('alice puts the label'))
    started.process.kill('SIGINT')
    expect(await started.ended).toMatchObject({ code: 1, err: 'The demo was ended before its run was.\n' })
    await expectTidy(cwd)
  })

  it('says with --keep how it can be looked at, and that works', async () => {
    const cwd = await emptyFolder()
    const started = startJourneyman(['demo', '--keep'], { cwd, environment: { TMPDIR: cwd } })
    await until('it says how', async () => started.out().includes('npx journeyman approve'))
    const [, dataDir = ''] = /export JOURNEYMAN_DATA_DIR=(\S+)/.exec(started.out()) ?? []
    const [, run = ''] = /npx journeyman logs (run_\w+)/.exec(started.out()) ?? []
    // What a page does not show is not shown here either.
    expect(started.out()).not.toContain('<!--')
    const logs = await journeyman(['logs', run], { cwd, environment: { JOURNEYMAN_DATA_DIR: dataDir } })
    expect(logs).toMatchObject({ code: 0, out: expect.stringContaining('done') })
    started.process.kill('SIGINT')
    expect(await started.ended).toMatchObject({ code: 0, err: '' })
    await expectTidy(cwd)
  })

  it('takes nothing for a database that is none, before it begins', async () => {
    const ended = await journeyman(['demo', '--database', 'x:secret@y'], { cwd: await emptyFolder() })
    expect(ended).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/^--database takes the address of a Post/),
    })
    expect(ended.err).not.toContain('secret')
  })

  it('does not let the real model work without a key', async () => {
    const ended = await journeyman(['demo', '--live'], { cwd: await emptyFolder() })
    expect(ended).toEqual({ code: 3, out: '', err: '--live needs ANTHROPIC_API_KEY in the environment.\n' })
  })

  const hidden = withoutBubblewrap()
  it.skipIf(hidden === null)(
    'runs on PostgreSQL, and without a sandbox, which it says and refuses to the real model',
    async () => {
      const cwd = await emptyFolder()
      const database = await databaseOf()
      const surroundings = {
        cwd,
        runner: hidden ?? [],
        environment: { TMPDIR: cwd, ANTHROPIC_API_KEY: 'sk-of-nobody' },
      }
      const alone = journeyman(['demo', '--json', ...database.option], surroundings)
      const live = await journeyman(['demo', '--live'], surroundings)
      expect(live).toMatchObject({ code: 3, out: '' })
      expect(live.err).toMatch(/^--live needs a sandbox, .* apt-get install bubblewrap\n$/)
      expectPromised(await alone, 'none', database.kind)
      expect((await alone).err).toContain('bubblewrap is not installed. Mend it with: apt-get install bubblewrap')
      await expectTidy(cwd)
    },
  )
})

/** A PostgreSQL for the demo, where there is one. */
const databaseOf = async (): Promise<{ option: string[]; kind: string }> => {
  if (inject('templates').postgresUrl === null) return { option: [], kind: 'pglite' }
  const database = await prepareDatabase('postgres')
  onTestFinished(database.remove)
  return { option: ['--database', database.url ?? ''], kind: 'postgres' }
}

/** What runs a program on this machine as if bubblewrap were not installed; null, and a word about it, where we may not. */
function withoutBubblewrap(): string[] | null {
  const places = ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/bin/bwrap'].filter((path) => existsSync(path))
  const hide = [...new Set(places.map((path) => realpathSync(path)))].map(
    (path) => `mount --bind /dev/null ${path} && `,
  )
  const runner = [
    'unshare',
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    `${hide.join('')}exec "$@"`,
    'sh',
    process.execPath,
  ]
  try {
    execFileSync(runner[0] ?? '', [...runner.slice(1), '--version'], { stdio: 'ignore' })
    return runner
  } catch {
    console.warn('SKIPPED: bubblewrap cannot be hidden here (it takes root), so the demo without one is not tested.')
    return null
  }
}
