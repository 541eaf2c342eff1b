import { fork } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf } from '../../domain/errors.ts'
import {
  bubblewrapMissing,
  eventually,
  openTestSandbox,
  processesWith,
  type TestSandbox,
  testLimits,
} from './sandbox.fixture.ts'
import { createSandbox } from './sandbox.ts'

const missing = await bubblewrapMissing()
const kinds = missing === null ? (['bubblewrap', 'none'] as const) : (['none'] as const)

/** A number of seconds that no other process of this machine sleeps for. */
const uniqueSleep = (): string => `86${Math.floor(Math.random() * 1e9)}.${process.pid}`

describe.each(kinds)('a command in a sandbox of kind %s', (kind) => {
  let box: TestSandbox
  beforeAll(async () => {
    box = await openTestSandbox(kind)
  })
  afterAll(() => box.close())

  test('runs in the work tree, and its exit code and its output in order are the result', async () => {
    await writeFile(join(box.root, 'a.txt'), 'hello\n')
    const result = await box.run('cat a.txt; echo problem >&2; echo end; exit 7')
    expect(result).toMatchObject({ exitCode: 7, signal: null, timedOut: false, output: 'hello\nproblem\nend\n' })
  })

  test('can write in the work tree and in its home, and has the Node that runs us', async () => {
    const result = await box.run('echo made > b.txt && echo cached > ~/cache && node --version')
    expect(result.output).toBe(`${process.version}\n`)
    expect(await readFile(join(box.root, 'b.txt'), 'utf8')).toBe('made\n')
    expect(await readFile(join(box.scratch, 'cache'), 'utf8')).toBe('cached\n')
  })

  test('sees an environment that was built from nothing', async () => {
    const { output } = await box.run('env')
    const names = output.split('\n').map((line) => line.split('=')[0])
    expect(names).toContain('HOME')
    for (const name of Object.keys(process.env)) {
      const ours =
        /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|TERM|NO_COLOR|CI|PAGER|PWD|SHLVL|_|GIT_TERMINAL_PROMPT)$|^npm_config_/
      if (name !== '' && !ours.test(name)) expect(names).not.toContain(name)
    }
  })

  test('prints 100 MB, of which the beginning and the end are kept', async () => {
    const before = process.memoryUsage().rss
    const { output, outputBytes } = await box.run('echo first; yes | head -c 100000000; echo last', {
      onOutput: () => {},
    })
    expect(outputBytes).toBe(100_000_011)
    expect(output.startsWith('first\n')).toBe(true)
    expect(output.endsWith('last\n')).toBe(true)
    expect(output).toMatch(/\[\.\.\. \d+ bytes left out here \.\.\.\]/)
    expect(output.length).toBeLessThan(66_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000)
  })

  test('is heard while it runs', async () => {
    let heard = ''
    await box.run('echo early; sleep 0.3', { onOutput: (chunk) => (heard += chunk) })
    expect(heard).toBe('early\n')
  })

  test('that ignores SIGTERM and forks away is gone with all it started when its time is over', async () => {
    const sleep = uniqueSleep()
    const script = `trap '' TERM INT HUP; setsid bash -c 'trap "" TERM; sleep ${sleep} & wait' & sleep ${sleep}; sleep ${sleep}`
    const result = await box.run(script, { timeoutMs: 300 })
    expect(result).toMatchObject({ timedOut: true, exitCode: null, signal: 'SIGKILL' })
    expect(result.output).toContain('did not finish within 0.3 seconds')
    expect(await processesWith(sleep)).toEqual([])
  })

  test('that was stopped is gone', async () => {
    const sleep = uniqueSleep()
    const stop = new AbortController()
    const running = box.run(`setsid sleep ${sleep} & sleep ${sleep}`, { signal: stop.signal }).catch(codeOf)
    await eventually(async () => (await processesWith(`sleep\0${sleep}`)).length === 2)
    stop.abort()
    expect(await running).toBe('stopped')
    expect(await processesWith(sleep)).toEqual([])
  })

  test('that was stopped before it began does not begin', async () => {
    const running = box.run('touch began', { signal: AbortSignal.abort() }).catch(codeOf)
    expect(await running).toBe('stopped')
    expect(await readdir(box.root)).not.toContain('began')
  })

  test('leaves no daemon behind', async () => {
    const sleep = uniqueSleep()
    const { output } = await box.run(`(setsid sleep ${sleep} >/dev/null 2>&1 &) ; echo done`)
    expect(output).toBe('done\n')
    expect(await processesWith(sleep)).toEqual([])
  })

  test('that is too long for a shell is refused with the way out', async () => {
    expect(await box.run(`echo ${'x'.repeat(200_000)}`).catch(codeOf)).toBe('invalid_input')
    expect(await box.run('echo \0').catch(codeOf)).toBe('invalid_input')
  })

  test('cannot hold more memory than allowed, in one process or in many', async () => {
    const grow = `node -e 'const a=[];setInterval(()=>{if(a.length<8)a.push(Buffer.alloc(48e6,1))},10)'`
    const { exitCode } = await box.run(`for i in 1 2 3 4 5 6; do ${grow} & done; wait`)
    expect(exitCode).not.toBe(0)
    const one = await box.run(`node -e 'const a=[];for(;;)a.push(Buffer.alloc(48e6,1))'`)
    expect(one.exitCode).not.toBe(0)
  })

  test('cannot write a file larger than allowed, nor open more than allowed', async () => {
    const file = await box.run('head -c 80000000 /dev/zero > large; ls -l large')
    expect(file.output).toContain(String(64 * 1024 * 1024))
    await box.run('rm large')
    const open = `const fs=require('fs');let n=0;try{for(;;){fs.openSync('/dev/null');n++}}catch{}console.log(n<1024)`
    expect((await box.run(`node -e "${open}"`)).output).toBe('true\n')
  })

  test('ends when it has used the time of a processor that it may use', async () => {
    const small = await openTestSandbox(kind, { limits: { cpu_seconds: 1 } })
    const { exitCode, timedOut } = await small.run('while :; do :; done', { timeoutMs: 15_000 })
    await small.close()
    expect(exitCode === null || exitCode > 128).toBe(true)
    expect(timedOut).toBe(false)
  })

  test('ends with the run it belongs to, and the others go on', async () => {
    const sleep = uniqueSleep()
    const other = box.sandbox.run({
      command: 'sleep 0.5; echo went on',
      root: box.scratch,
      scratch: box.scratch,
      timeoutMs: 5000,
      signal: new AbortController().signal,
    })
    const running = box.run(`sleep ${sleep}`)
    await eventually(async () => (await processesWith(`sleep\0${sleep}`)).length > 0)
    await box.sandbox.killAll(box.root)
    expect(await running).toMatchObject({ exitCode: null, signal: 'SIGKILL' })
    expect(await processesWith(sleep)).toEqual([])
    expect((await other).output).toBe('went on\n')
  })

  test('ends with the sandbox', async () => {
    const closing = await openTestSandbox(kind)
    const sleep = uniqueSleep()
    const running = closing.run(`setsid sleep ${sleep} & sleep ${sleep}`).catch(codeOf)
    const files = closing.sandbox.files(closing.root, closing.scratch)
    await files.list('', 1, 10)
    await eventually(async () => (await processesWith(`sleep\0${sleep}`)).length === 2)
    await closing.close()
    await running
    expect(await processesWith(sleep)).toEqual([])
    expect(await processesWith(closing.folder)).toEqual([])
    expect(await closing.run('true').catch(codeOf)).toBe('shutting_down')
  })

  test('does not outlive a worker that was killed with SIGKILL', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'journeyman-killed-'))
    await chmod(folder, 0o755)
    const sleep = uniqueSleep()
    const worker = await startWorker(folder, kind, `setsid sleep ${sleep} & sleep ${sleep}`)
    expect(await eventually(async () => (await processesWith(`sleep\0${sleep}`)).length === 2)).toBe(true)
    worker.kill('SIGKILL')
    expect(await eventually(async () => (await processesWith(sleep)).length === 0)).toBe(true)
    expect(await eventually(async () => (await processesWith(folder)).length === 0)).toBe(true)
    await rm(folder, { recursive: true, force: true })
  })
})

/** A process with a sandbox of its own, in which a command runs. */
const startWorker = async (folder: string, kind: string, command: string) => {
  const script = join(folder, 'worker.ts')
  await writeFile(
    script,
    `import { openTestSandbox } from ${JSON.stringify(join(import.meta.dirname, 'sandbox.fixture.ts'))}
     const box = await openTestSandbox(${JSON.stringify(kind)})
     await box.sandbox.files(box.root, box.scratch).list('', 1, 1)
     process.send?.(box.folder)
     await box.run(${JSON.stringify(command)})`,
  )
  const worker = fork(script, [], { env: { TMPDIR: folder } })
  await once(worker, 'message')
  return worker
}

describe('without bubblewrap', () => {
  test('"none" says so loudly, and is usable', async () => {
    const box = await openTestSandbox('none')
    await box.close()
    expect(box.sandbox.status).toMatchObject({ kind: 'none', usable: true })
    expect(box.sandbox.status.summary).toContain('NO SANDBOX')
  })
})

describe.skipIf(missing !== null || process.getuid?.() !== 0)('a data folder that is closed to others', () => {
  test('is refused with the folder that is in the way', async () => {
    // As mkdtemp makes it, nobody else may enter.
    const closed = await mkdtemp(join(tmpdir(), 'journeyman-closed-'))
    const sandbox = await createSandbox({ kind: 'auto', limits: testLimits, scratchDir: join(closed, 'scratch') })
    const run = {
      command: 'true',
      root: closed,
      scratch: closed,
      timeoutMs: 1000,
      signal: new AbortController().signal,
    }
    expect(sandbox.status.usable).toBe(false)
    expect(sandbox.status.summary).toContain(closed)
    expect(await sandbox.run(run).catch(codeOf)).toBe('sandbox_unavailable')
    await sandbox.close()
    await rm(closed, { recursive: true, force: true })
  })
})
