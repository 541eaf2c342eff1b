import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { compiledOnce } from '../compiled-once.ts'

export type Ended = { code: number | string; out: string; err: string }
export type Started = {
  process: ChildProcess
  err: () => string
  out: () => string
  ended: Promise<Ended>
}

export type Surroundings = {
  cwd: string
  environment?: Record<string, string>
  /** What runs it instead of this Node, with its first arguments. */
  runner?: string[]
}

/** One command in a process of its own, with an environment that holds nothing but what is given. */
export const startJourneyman = (args: string[], { cwd, environment = {}, runner }: Surroundings): Started => {
  const [program, ...before] = runner ?? [process.execPath, ...compiledOnce]
  const child = spawn(program ?? '', [...before, join(import.meta.dirname, '../../bin/journeyman.js'), ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...environment },
  })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8')
  })
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString('utf8')
  })
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => resolve({ code: signal ?? code ?? -1, out, err }))
  })
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  })
  return { process: child, err: () => err, out: () => out, ended }
}

export const journeyman = (args: string[], surroundings: Surroundings): Promise<Ended> =>
  startJourneyman(args, surroundings).ended

/** A folder that others may enter, removed after the test. */
export const emptyFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'journeyman-cli-'))
  await chmod(folder, 0o755)
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}
