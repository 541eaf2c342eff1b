import { type LoadConnection, openLoadConnection } from './load-connection.ts'
import { createDeliveries, type SignedDelivery } from './signed-delivery.ts'

/** What a load is: as many at once as there are connections, or so many a second whatever becomes of them. */
export type LoadOrder = {
  url: string
  secret: string
  label: string
  firstNumber: number
  count: number
  connections: number
  perSecond: number | null
}

export type LoadReport = { ready: true } | { seconds: number; latenciesMs: number[]; statuses: Record<number, number> }

/**
 * The other side of the webhook, in a process of its own so that it does not wait for what it measures. It is told an order,
 * makes and signs all deliveries, says that it is ready, and begins at the word `go`.
 */
const run = async (order: LoadOrder): Promise<LoadReport> => {
  const make = createDeliveries(order.url, order.secret, order.label)
  const deliveries = Array.from({ length: order.count }, (_, index) => make(order.firstNumber + index))
  const connections = await Promise.all(Array.from({ length: order.connections }, () => openLoadConnection(order.url)))
  await told('go', () => say({ ready: true }))
  const statuses: Record<number, number> = {}
  const latenciesMs: number[] = []
  const send = async (connection: LoadConnection, delivery: SignedDelivery, bornMs: number): Promise<void> => {
    const status = await connection.ask(delivery.bytes)
    latenciesMs.push(performance.now() - bornMs)
    statuses[status] = (statuses[status] ?? 0) + 1
  }
  const begunMs = performance.now()
  if (order.perSecond === null) await asFastAsCan(connections, deliveries, send)
  else await paced(connections, deliveries, order.perSecond, send)
  const seconds = (performance.now() - begunMs) / 1000
  for (const connection of connections) connection.close()
  return { seconds, latenciesMs, statuses }
}

type Send = (connection: LoadConnection, delivery: SignedDelivery, bornMs: number) => Promise<void>

const asFastAsCan = async (connections: LoadConnection[], deliveries: SignedDelivery[], send: Send): Promise<void> => {
  const left = deliveries.values()
  await Promise.all(
    connections.map(async (connection) => {
      for (const delivery of left) await send(connection, delivery, performance.now())
    }),
  )
}

/** One whose turn has come waits for a connection where all are busy, and that wait counts. */
const paced = async (
  connections: LoadConnection[],
  deliveries: SignedDelivery[],
  perSecond: number,
  send: Send,
): Promise<void> => {
  const begunMs = performance.now()
  const lines = connections.map(() => Promise.resolve())
  for (const [index, delivery] of deliveries.entries()) {
    const waitMs = begunMs + (index * 1000) / perSecond - performance.now()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    const bornMs = performance.now()
    const at = index % connections.length
    lines[at] = (lines[at] as Promise<void>).then(() => send(connections[at] as LoadConnection, delivery, bornMs))
  }
  await Promise.all(lines)
}

const say = (report: LoadReport): void => void process.send?.(report)

const told = async (word: string, ask: () => void): Promise<void> => {
  const heard = new Promise<void>((resolve) => process.on('message', (message) => message === word && resolve()))
  ask()
  await heard
}

process.once('message', (order) => {
  run(order as LoadOrder).then(say, (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
    process.exitCode = 1
    process.disconnect()
  })
})
