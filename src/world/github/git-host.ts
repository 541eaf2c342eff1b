import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { JourneymanError } from '../../domain/errors.ts'

export type GitOrder = { id: number; command: string[]; input: Buffer | string }
export type GitEnd = { code: number | null; out: Buffer; complaint: string }
export type GitAnswer = { id: number } & (GitEnd | { error: string })

/** Runs git as `command` says (`gitCommand`), from a small process of its own, and gives its end, whatever that is. */
export type GitHost = {
  run: (command: string[], input: Buffer | string) => Promise<GitEnd>
  close: () => Promise<void>
}

/**
 * To start a process is to copy the page tables of the one that starts it. The world often stands beside the whole product, or
 * a database, in one process: there that takes as long as git itself. The small process is started at the first need; while it
 * is idle it keeps nobody alive, and it ends with whoever started it.
 */
export const createGitHost = (): GitHost => {
  const waiting = new Map<number, { resolve: (end: GitEnd) => void; reject: (error: unknown) => void }>()
  let child: ChildProcess | null = null
  let lastId = 0

  const connect = (): ChildProcess => {
    const started = fork(join(import.meta.dirname, 'git-host-process.ts'), {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    started.on('message', (message) => settle(message as GitAnswer))
    const lose = (): void => {
      if (child === started) child = null
      for (const { reject } of waiting.values()) reject(gone())
      waiting.clear()
    }
    started.on('error', () => {
      started.kill('SIGKILL')
      // One that could not be started at all has no end to be told of.
      if (started.pid === undefined) lose()
    })
    started.on('exit', lose)
    return started
  }

  const settle = (answer: GitAnswer): void => {
    const one = waiting.get(answer.id)
    waiting.delete(answer.id)
    if ('error' in answer) one?.reject(new JourneymanError('command_failed', answer.error))
    else one?.resolve(answer)
    if (waiting.size === 0) holdOn(child, 'unref')
  }

  return {
    run: (command, input) =>
      new Promise((resolve, reject) => {
        child ??= connect()
        holdOn(child, 'ref')
        const id = ++lastId
        waiting.set(id, { resolve, reject })
        const order: GitOrder = { id, command, input }
        child.send(order, (error) => error && child?.kill('SIGKILL'))
      }),
    close: async () => {
      const ending = child
      if (ending === null) return
      holdOn(ending, 'ref')
      const ended = new Promise<void>((resolve) => ending.once('exit', () => resolve()))
      ending.disconnect()
      await ended
    },
  }
}

const holdOn = (child: ChildProcess | null, verb: 'ref' | 'unref'): void => {
  child?.[verb]()
  child?.channel?.[verb]()
}

const gone = (): JourneymanError => new JourneymanError('unavailable', "The world's git has ended.")
