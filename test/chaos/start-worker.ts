import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { compiledOnce } from '../compiled-once.ts'
import type { Order } from './worker-process.ts'

export type WorkerProcess = {
  pid: number
  /** Where its web part listens; empty until it has been started. */
  url: string
  /** When it has ended, by the clock of this process; null while it lives. */
  endedAt: () => number | null
  /** Resolves with the signal's name or the exit code. */
  ended: Promise<string | number>
  /** Rejects when the process ends before it has answered. */
  ask: (order: Order) => Promise<unknown>
  kill: (signal: NodeJS.Signals) => void
  log: () => string
}

/** A process with everything imported, which has not begun yet: what a restart costs in between is only the beginning. */
export const loadWorker = async (cacheFolder: string): Promise<WorkerProcess> => {
  const child = fork(join(import.meta.dirname, 'worker-process.ts'), [], {
    execArgv: compiledOnce,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // The compiled modules are kept for the next one: half of the time that a process needs to load.
    env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: cacheFolder },
  })
  const answers = awaitAnswers(child)
  let log = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString('utf8')).slice(-mostLogCharacters)
  })
  let endedAt: number | null = null
  const ended = once(child, 'exit').then(([code, signal]): string | number => {
    endedAt = Date.now()
    return (signal as string | null) ?? (code as number | null) ?? -1
  })
  let ids = 0
  const worker: WorkerProcess = {
    pid: child.pid ?? -1,
    url: '',
    endedAt: () => endedAt,
    ended,
    ask: (order) => {
      ids += 1
      const answer = answers.to(ids)
      if (endedAt === null) child.send({ id: ids, order }, (error) => error && answers.refuse(ids, error))
      else answers.refuse(ids, new Error('The worker process has ended.'))
      return answer
    },
    kill: (signal) => {
      if (endedAt === null) child.kill(signal)
    },
    log: () => log,
  }
  await answers.to(0)
  return worker
}

const mostLogCharacters = 400_000

type Answer = { id: number; answer?: unknown; error?: string }

const awaitAnswers = (child: ChildProcess) => {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  const refuse = (id: number, error: Error): void => {
    waiting.get(id)?.reject(error)
    waiting.delete(id)
  }
  child.on('message', ({ id, answer, error }: Answer) => {
    if (error !== undefined) return refuse(id, new Error(error))
    waiting.get(id)?.resolve(answer)
    waiting.delete(id)
  })
  child.once('exit', () => {
    for (const id of [...waiting.keys()]) refuse(id, new Error('The worker process has ended.'))
  })
  return {
    refuse,
    to: (id: number): Promise<unknown> => {
      const asked = Promise.withResolvers<unknown>()
      // Whoever does not look any more is not told.
      asked.promise.catch(() => undefined)
      waiting.set(id, asked)
      return asked.promise
    },
  }
}
