import { type ChildProcess, fork } from 'node:child_process'
import { getCompileCacheDir } from 'node:module'
import { dirname, join } from 'node:path'
import { errorOf, type Failure, JourneymanError } from '../domain/errors.ts'
import { abortReason, type ProcessRequest, type ProcessResult } from './bounded-process.ts'

export type RunnerOrder = { id: number; request: Omit<ProcessRequest, 'signal'> } | { stop: number }
export type RunnerAnswer = { id: number; result: ProcessResult } | { id: number; failure: Failure }

/** Runs programs of the host as `runBoundedProcess` does, from a small process of its own. */
export type ProgramRunner = {
  /** Throws `unavailable` when that process has ended; what it had started has then ended with it. */
  run: (request: ProcessRequest) => Promise<ProcessResult>
  close: () => Promise<void>
}

type Waiting = { resolve: (result: ProcessResult) => void; reject: (error: unknown) => void }

/**
 * To start a process is to copy the page tables of the one that starts it: a worker with the embedded database stands still
 * for 15 to 40 ms each time, and a snapshot takes three. The runner is started at the first need, and again should it end;
 * while it is idle it keeps nobody alive.
 */
export const createProgramRunner = (): ProgramRunner => {
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let child: ChildProcess | null = null
  let closed = false

  const connect = (): ChildProcess => {
    const started = forkRunner()
    started.on('message', (message) => settle(message as RunnerAnswer))
    started.on('error', () => started.kill('SIGKILL'))
    started.on('exit', () => {
      if (child === started) child = null
      for (const { reject } of waiting.values()) reject(ended())
      waiting.clear()
    })
    return started
  }

  const settle = (answer: RunnerAnswer): void => {
    const one = waiting.get(answer.id)
    waiting.delete(answer.id)
    if ('result' in answer) one?.resolve(answer.result)
    else one?.reject(errorOf(answer.failure))
    if (waiting.size === 0) holdOn(child, false)
  }

  const send = (order: RunnerOrder): void => {
    if (child?.connected) child.send(order, (error) => error && child?.kill('SIGKILL'))
  }

  return {
    run: async ({ signal, ...request }) => {
      if (closed) throw new JourneymanError('shutting_down', 'This process is ending, and starts no program any more.')
      if (signal?.aborted) throw abortReason(signal)
      child ??= connect()
      holdOn(child, true)
      const id = ++lastId
      const stop = (): void => send({ stop: id })
      signal?.addEventListener('abort', stop, { once: true })
      try {
        return await new Promise<ProcessResult>((resolve, reject) => {
          waiting.set(id, { resolve, reject })
          send({ id, request })
        })
      } catch (error) {
        throw signal?.aborted ? abortReason(signal) : error
      } finally {
        signal?.removeEventListener('abort', stop)
      }
    },
    close: async () => {
      closed = true
      if (child !== null) await disconnect(child)
    },
  }
}

/** Nothing of our environment but where compiled modules lie, and none of our descriptors but the channel. */
const forkRunner = (): ChildProcess => {
  const compiledAt = getCompileCacheDir()
  return fork(join(import.meta.dirname, 'program-runner-process.ts'), {
    env: compiledAt === undefined ? {} : { NODE_COMPILE_CACHE: dirname(compiledAt) },
    cwd: '/',
    execArgv: ['--max-old-space-size=256'],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

const holdOn = (child: ChildProcess | null, on: boolean): void => {
  const verb = on ? 'ref' : 'unref'
  child?.[verb]()
  child?.channel?.[verb]()
}

const ended = (): JourneymanError =>
  new JourneymanError('unavailable', 'The process from which programs are started has ended. Try again.')

const disconnect = async (child: ChildProcess): Promise<void> => {
  holdOn(child, true)
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const timer = setTimeout(() => child.kill('SIGKILL'), closeWithinMs)
  if (child.connected) child.disconnect()
  await gone
  clearTimeout(timer)
}

const closeWithinMs = 3000
