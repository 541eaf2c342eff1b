import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { compiledOnce } from './compiled-once.ts'

export type Child = {
  process: ChildProcess
  /** What it has said so far. */
  said: () => string
  /** Resolves with all it said once that contains the text, or it has ended. */
  until: (text: string) => Promise<string>
  ended: Promise<number | null>
  /** SIGKILL, and waits for the end. Twice is once. */
  kill: () => Promise<void>
}

/** Starts a program of `test/children/` as a process of its own. */
export const startChild = (program: string, ...args: string[]): Child => {
  const child = spawn(process.execPath, [...compiledOnce, join(import.meta.dirname, 'children', program), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let said = ''
  const listeners = new Set<() => void>()
  const tell = (): void => {
    for (const listener of listeners) listener()
  }
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8')
    tell()
  })
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      resolve(code)
      tell()
    })
  })
  const isOver = () => child.exitCode !== null || child.signalCode !== null
  return {
    process: child,
    said: () => said,
    until: (text) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!said.includes(text) && !isOver()) return
          listeners.delete(look)
          resolve(said)
        }
        listeners.add(look)
        look()
      }),
    ended,
    kill: async () => {
      if (!isOver()) child.kill('SIGKILL')
      await ended
    },
  }
}
