import { type ChildProcess, fork } from 'node:child_process'
import { JourneymanError } from '../../domain/errors.ts'
import type { LaunchOrder, LaunchOutcome, LaunchReport, LaunchRequest } from './launch-messages.ts'
import type { Owner } from './owner.ts'

export type Launched = {
  /** Throws `unavailable` when the launcher itself has ended; what it had started has then ended with it. */
  outcome: Promise<LaunchOutcome>
  write: (text: string) => void
  kill: () => void
}

/** Starts programs in a process apart, which is started at the first need, and again should it end. */
export type Launcher = {
  start: (request: Omit<LaunchRequest, 'id'>, onOutput?: (chunk: string) => void) => Launched
  /** Ends everything that was started; afterwards nothing runs any more. */
  close: () => Promise<void>
}

type Waiting = {
  resolve: (outcome: LaunchOutcome) => void
  reject: (error: Error) => void
  onOutput: ((chunk: string) => void) | undefined
}

const closeWithinMs = 3000

export const createLauncher = (script: string, owner: Owner | null): Launcher => {
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let child: ChildProcess | null = null
  let closed = false

  const connect = (): ChildProcess => {
    const started = forkLauncher(script, owner)
    started.on('message', (message) => receive(waiting, message as LaunchReport))
    started.on('error', () => started.kill('SIGKILL'))
    started.on('exit', () => {
      if (child === started) child = null
      abandon(waiting)
    })
    return started
  }

  const send = (order: LaunchOrder): void => {
    if (child?.connected) child.send(order, (error) => error && child?.kill('SIGKILL'))
  }

  return {
    start: (request, onOutput) => {
      if (closed) throw new JourneymanError('shutting_down', 'The sandbox is closed and starts nothing any more.')
      child ??= connect()
      const id = ++lastId
      const outcome = new Promise<LaunchOutcome>((resolve, reject) => waiting.set(id, { resolve, reject, onOutput }))
      send({ type: 'start', request: { ...request, id } })
      return {
        outcome,
        write: (text) => send({ type: 'input', id, text }),
        kill: () => send({ type: 'kill', id }),
      }
    },
    close: async () => {
      closed = true
      if (child !== null) await disconnect(child)
    },
  }
}

/** Nothing of our environment, and none of our descriptors but the channel. */
const forkLauncher = (script: string, owner: Owner | null): ChildProcess =>
  fork(script, [String(owner?.uid ?? 0)], {
    env: {},
    cwd: '/',
    execArgv: ['--max-old-space-size=128'],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })

const receive = (waiting: Map<number, Waiting>, message: LaunchReport): void => {
  if (message.type === 'ready') return
  const one = waiting.get(message.id)
  if (message.type === 'output') {
    one?.onOutput?.(message.chunk)
  } else {
    waiting.delete(message.id)
    one?.resolve(message.outcome)
  }
}

const abandon = (waiting: Map<number, Waiting>): void => {
  const error = new JourneymanError('unavailable', 'The process that runs commands has ended. Try again.')
  for (const one of waiting.values()) one.reject(error)
  waiting.clear()
}

const disconnect = async (child: ChildProcess): Promise<void> => {
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const timer = setTimeout(() => child.kill('SIGKILL'), closeWithinMs)
  if (child.connected) child.disconnect()
  await gone
  clearTimeout(timer)
}
