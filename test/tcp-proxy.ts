import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** Between a program and the server that it talks to: a connection that fails as networks do. */
export type TcpProxy = {
  port: number
  /** From now on nothing is forwarded, in either direction, and nobody is told: connections are half open. */
  stall: () => void
  /** Forwards again, for new connections; those that were stalled stay so, as after the loss of their packets. */
  resume: () => void
  /** Ends every connection, with a reset. */
  cut: () => void
  close: () => Promise<void>
}

export const startTcpProxy = async (target: { host: string; port: number }): Promise<TcpProxy> => {
  const pairs = new Set<[Socket, Socket]>()
  let stalled = false
  const server = createServer((near) => {
    const far = connect(target)
    const pair: [Socket, Socket] = [near, far]
    pairs.add(pair)
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on('error', () => to.destroy())
      from.on('close', () => {
        pairs.delete(pair)
        to.destroy()
      })
    }
    if (stalled) return hold(pair)
    near.pipe(far)
    far.pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endAll = (): void => {
    for (const [near, far] of pairs) {
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
  }
  return {
    port: (server.address() as { port: number }).port,
    stall: () => {
      stalled = true
      for (const pair of pairs) hold(pair)
    },
    resume: () => {
      stalled = false
    },
    cut: endAll,
    close: async () => {
      endAll()
      server.close()
      await once(server, 'close')
    },
  }
}

const hold = ([near, far]: [Socket, Socket]): void => {
  near.unpipe(far)
  far.unpipe(near)
  near.pause()
  far.pause()
}
