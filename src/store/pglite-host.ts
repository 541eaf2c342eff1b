import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { JourneymanError } from '../domain/errors.ts'
import type { HostReply, HostRequest } from './pglite-worker.ts'

/** The embedded database's thread, seen from outside. */
export type PgliteHost = {
  /** Sends what a client wrote, gives what the server answers. Rejects with `store_unavailable` once the thread is lost. */
  exchange: (bytes: Uint8Array) => Promise<Uint8Array>
  /** Gives the database up: it said itself that it cannot go on. */
  lose: (reason: string) => void
  close: () => Promise<void>
}

type Waiting = { resolve: (bytes: Uint8Array) => void; reject: (error: Error) => void; timer: NodeJS.Timeout }

/**
 * PGlite is nine megabytes of WebAssembly. By default the engine compiles thousands of its functions a second time, with all
 * cores and a hundred megabytes, just when a process starts; with this it waits until one is really used a lot. Measured:
 * 80 MB less when idle, the first second of work twice as quick, and the same speed in the long run.
 */
const compileLate = '--wasm-tiering-budget=200000000'

const openWithinMs = 120_000

/**
 * Starts the thread. PGlite hangs for good when its disk has been full, so every call has a deadline: once it has passed,
 * the thread is ended, all calls reject and `onLost` is called, once. Only a new process opens the folder again.
 */
export const startPgliteHost = async (options: {
  folder: string
  /** Where the state of a new database is kept for the next; beside the compiled modules, unless given. */
  keptIn?: string | null
  deadlineMs: number
  onLost: (error: JourneymanError) => void
}): Promise<PgliteHost> => {
  setFlagsFromString(compileLate)
  const { folder, keptIn = trustedFolder() } = options
  const worker = new Worker(new URL('./pglite-worker.ts', import.meta.url), { workerData: { folder, keptIn } })
  const waiting = new Map<number, Waiting>()
  const opened = Promise.withResolvers<void>()
  // Compiling it is processor work, which a busy machine may put off for long; a statement's deadline says nothing of that.
  const openingMs = Math.max(options.deadlineMs, openWithinMs)
  const opening = setTimeout(() => lose(`it did not open within ${openingMs / 1000} s`), openingMs)
  let isOpen = false
  let lost: JourneymanError | undefined
  let closing = false
  let nextId = 1

  const lose = (reason: string): void => {
    if (lost) return
    lost = lostError(reason, options.folder)
    for (const call of waiting.values()) settle(call).reject(lost)
    waiting.clear()
    clearTimeout(opening)
    opened.reject(lost)
    void worker.terminate()
    if (isOpen && !closing) options.onLost(lost)
  }

  const open = (): void => {
    clearTimeout(opening)
    isOpen = true
    opened.resolve()
  }

  const call = (request: (id: number) => HostRequest): Promise<Uint8Array> => {
    if (lost) return Promise.reject(lost)
    const id = nextId++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => lose(`it has not answered for ${options.deadlineMs / 1000} s`), options.deadlineMs)
      waiting.set(id, { resolve, reject, timer })
      worker.postMessage(request(id))
    })
  }

  const answered = (reply: { id: number; bytes?: Uint8Array; error?: string }): void => {
    const pending = waiting.get(reply.id)
    if (!pending) return
    waiting.delete(reply.id)
    if (reply.error === undefined) settle(pending).resolve(reply.bytes ?? new Uint8Array())
    else settle(pending).reject(lostError(reply.error, options.folder))
  }

  const heard = (message: HostReply): void => {
    if ('failed' in message) lose(message.failed)
    else if ('ready' in message) open()
    else answered(message)
  }

  worker.on('message', heard)
  worker.on('error', (error) => lose(error instanceof Error ? error.message : String(error)))
  worker.on('exit', () => lose(closing ? 'it is closed' : 'its thread has ended'))
  // The first answer says that the database is open, or why it cannot be.
  await opened.promise

  return {
    lose,
    exchange: (bytes) => call((id) => ({ id, bytes })),
    close: async () => {
      if (closing || lost) return
      closing = true
      await call((id) => ({ id, close: true })).catch(() => undefined)
      await worker.terminate()
    },
  }
}

/** What lies there is run as code: `bin/compile-cache.js` sees to it that nobody else can write there. */
const trustedFolder = (): string | null => {
  const compiledAt = getCompileCacheDir()
  return compiledAt === undefined ? null : dirname(compiledAt)
}

const settle = (call: Waiting): Waiting => {
  clearTimeout(call.timer)
  return call
}

const lostError = (reason: string, folder: string): JourneymanError =>
  new JourneymanError('store_unavailable', `The embedded database in ${folder} cannot be used: ${reason}.`, {
    nextAction: 'See that the disk has room and the folder belongs to this user, then start the process again.',
  })
