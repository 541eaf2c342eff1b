import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<void>
export type Served = { origin: string; close: () => Promise<void> }

/** An HTTP server on a free port of the loopback. `close` also ends the connections that a fault left hanging. */
export const serve = async (handle: Handle): Promise<Served> => {
  const server = createServer((request, response) => {
    // A connection that is cut on purpose, or by the other side, is no error of this process.
    request.on('error', () => {})
    response.on('error', () => {})
    handle(request, response).catch((error: unknown) => sayInternal(response, error))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const sayInternal = (response: ServerResponse, error: unknown): void => {
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
  if (response.headersSent) response.destroy()
  else response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify({ message: reason }))
}
