import { existsSync, readdirSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { keepInitialState, keptInitialState } from './initial-state.ts'

/**
 * The thread in which PGlite lives, so that its work does not stop the event loop of the process. It speaks PostgreSQL's
 * wire protocol: a request is what a client would have written to a socket, the answer is what the server would have
 * written back. `pglite-host.ts` is its other side.
 */
export type HostRequest = { id: number; bytes: Uint8Array } | { id: number; close: true }
export type HostReply = { id: number; bytes?: Uint8Array; error?: string } | { ready: true } | { failed: string }

const port = parentPort!
const { folder, keptIn } = workerData as { folder: string; keptIn: string | null }

const reply = (message: HostReply): void =>
  port.postMessage(message, 'bytes' in message && message.bytes ? [message.bytes.buffer as ArrayBuffer] : [])

/** By itself it sets 128 MB apart for pages, all of which stays resident; the file system's own cache is below it anyway. */
const smallMemory = ['-c', 'shared_buffers=32MB']

/** A new client on the one session: what the last one left is undone, as by a closed connection. */
const forgetLastClient = async (lite: PGlite): Promise<void> => {
  if (lite.isInTransaction()) await lite.exec('rollback')
  await lite.exec('deallocate all')
}

const answer = async (lite: PGlite, request: HostRequest): Promise<Uint8Array> => {
  if ('close' in request) {
    await lite.close()
    return new Uint8Array()
  }
  const isStartup = request.bytes[0] === 0
  if (isStartup) await forgetLastClient(lite)
  return exchange(lite, request.bytes)
}

/** As a stream, since the whole answer at once is also parsed by PGlite, and what it has parsed so it keeps for good. */
const exchange = async (lite: PGlite, bytes: Uint8Array): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = []
  // A chunk lies in the database's own memory, where the next is written over it.
  const onRawData = (chunk: Uint8Array): void => void chunks.push(chunk.slice())
  await lite.execProtocolRawStream(bytes, { syncToFs: false, onRawData })
  return chunks.length === 1 && chunks[0] ? chunks[0] : joined(chunks)
}

/** In a buffer of its own, which is handed over; `Buffer.concat` may give a part of one that others use. */
const joined = (chunks: Uint8Array[]): Uint8Array => {
  const whole = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

try {
  const isNew = keptIn !== null && readdirSync(folder).length === 0
  const kept = isNew ? keptInitialState(keptIn) : null
  // A killed process leaves its postmaster.pid; PGlite is alone in here, `lock-folder.ts` sees to that.
  const lite = await PGlite.create(folder, {
    startParams: [...PGlite.defaultStartParams, ...smallMemory],
    ...(kept && { loadDataDir: kept }),
  })
  if (isNew && kept === null) await keepInitialState(keptIn, lite)
  let last: Promise<unknown> = Promise.resolve()
  port.on('message', (request: HostRequest) => {
    last = last.then(() =>
      answer(lite, request).then(
        (bytes) => reply({ id: request.id, bytes }),
        (error: unknown) => reply({ id: request.id, error: error instanceof Error ? error.message : String(error) }),
      ),
    )
  })
  reply({ ready: true })
  // Kept now: at its end this thread is not asked, and a process that is killed leaves nothing.
  flushCompileCache()
} catch (error) {
  const text = error instanceof Error ? error.message : String(error)
  reply({ failed: existsSync(folder) ? text : `${folder} cannot be made: ${text}` })
}
