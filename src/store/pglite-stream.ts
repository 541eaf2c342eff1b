import { Duplex } from 'node:stream'
import type { PgliteHost } from './pglite-host.ts'

/**
 * What the PostgreSQL driver takes for its socket, with the embedded database behind it. So there is one driver, with one
 * way to write parameters and to read types, for both databases.
 */
export const openPgliteStream = (host: PgliteHost): Duplex => {
  const exchange = (bytes: Uint8Array, done: (error?: Error | null) => void): void => {
    host.exchange(bytes).then((answer) => {
      if (!stream.destroyed && answer.length > 0)
        stream.push(Buffer.from(answer.buffer, answer.byteOffset, answer.length))
      done()
    }, done)
  }
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => exchange(new Uint8Array(chunk), done),
    // The driver corks a statement's messages: together they are one exchange, as they would be one packet.
    writev: (chunks, done) => exchange(new Uint8Array(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer))), done),
    final: (done) => {
      stream.push(null)
      done()
    },
  })
  return Object.assign(stream, {
    setNoDelay: () => stream,
    setKeepAlive: () => stream,
    ref: () => stream,
    unref: () => stream,
    connect: () => {
      process.nextTick(() => stream.emit('connect'))
      return stream
    },
  })
}
