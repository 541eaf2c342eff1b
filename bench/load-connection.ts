import { connect, type Socket } from 'node:net'

/**
 * One kept-alive connection that asks one thing at a time. A client of the runtime's own would take as much of the two
 * cores as what it measures: this one writes bytes that were made before, and reads no more of an answer than its end.
 */
export type LoadConnection = { ask: (bytes: Buffer) => Promise<number>; close: () => void }

export const openLoadConnection = async (url: string): Promise<LoadConnection> => {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return { ask: askOver(socket), close: () => socket.destroy() }
}

const askOver = (socket: Socket): LoadConnection['ask'] => {
  let unread = ''
  let waiting: PromiseWithResolvers<number> | null = null
  const fail = (reason: string): void => waiting?.reject(new Error(reason))
  socket.setEncoding('latin1')
  socket.on('error', (error) => fail(error.message))
  socket.on('close', () => fail('The server has closed the connection.'))
  socket.on('data', (text: string) => {
    unread += text
    const status = statusOfWhole(unread)
    if (status === null) return
    unread = ''
    waiting?.resolve(status)
  })
  return (bytes) => {
    waiting = Promise.withResolvers<number>()
    socket.write(bytes)
    return waiting.promise
  }
}

/** The status of an answer that has come in full; null until then. */
const statusOfWhole = (answer: string): number | null => {
  const headEnd = answer.indexOf('\r\n\r\n')
  if (headEnd === -1) return null
  const head = answer.slice(0, headEnd)
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
  return answer.length < headEnd + 4 + length ? null : Number(head.slice(9, 12))
}
