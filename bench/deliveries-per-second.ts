import type { Database } from '../src/store/database.ts'
import type { Measurement, Result } from './measurement.ts'
import type { Bench, DatabaseKind } from './open-bench.ts'
import { sendLoad } from './send-load.ts'
import { startBareRoute } from './start-bare-route.ts'
import { startBenchApp } from './start-bench-app.ts'
import { median } from './statistics.ts'

const connections = 64
const countOf: Record<DatabaseKind, number> = { pglite: 2_000, postgres: 4_000 }

/** Each starts a run of its own, and each is answered only when delivery, run and job are committed together. */
export const deliveriesPerSecond: Measurement = {
  name: 'deliveries-per-second',
  measure: async (bench) => {
    const bare = await bareRate(bench)
    const row = async (
      name: string,
      kind: DatabaseKind,
      bars: { floor: number | null; goal: number | null },
      options?: { durable: boolean },
    ): Promise<Result[]> => {
      const value = await rateOn(bench, kind, options)
      await bench.tidy()
      if (value === null) return []
      const ratio = `${Math.round((100 * value) / bare)} % of the bare signed route; ${connections} at a time`
      return [{ name, value, unit: '/s', ...bars, better: 'higher', note: ratio }]
    }
    return [
      ...(await row('deliveries stored and enqueued on PostgreSQL', 'postgres', { floor: 600, goal: 2_000 })),
      ...(await row('the same, every commit on the disk', 'postgres', { floor: 600, goal: 2_000 }, { durable: true })),
      ...(await row('deliveries stored and enqueued on PGlite', 'pglite', { floor: 350, goal: 1_000 })),
      {
        name: 'a bare route that checks the signature and stores nothing',
        value: bare,
        unit: '/s',
        floor: null,
        goal: null,
        better: 'higher',
      },
    ]
  },
}

const secret = 'a secret of the bench'
const label = 'ai'

const bareRate = async (bench: Bench): Promise<number> => {
  const route = await startBareRoute(secret)
  const order = { url: route.url, secret, label, connections, perSecond: null, firstNumber: 1 }
  try {
    await sendLoad({ ...order, count: 1_000 })
    const rates: number[] = []
    for (let round = 0; round < bench.rounds(3); round++) {
      rates.push((await sendLoad({ ...order, count: 6_000 })).perSecond)
    }
    return median(rates)
  } finally {
    await route.close()
  }
}

const rateOn = async (bench: Bench, kind: DatabaseKind, options?: { durable: boolean }): Promise<number | null> => {
  const place = await bench.place(kind, options)
  if (!place) return null
  const world = await bench.world()
  const { app, url } = await startBenchApp(bench, { world, place, worker: false })
  const order = {
    url: `${url}/webhooks/github`,
    secret: world.github.app.webhookSecret,
    label,
    connections,
    perSecond: null,
  }
  const rates: number[] = []
  let sent = 0
  const send = async (count: number): Promise<number> => {
    const { perSecond } = await sendLoad({ ...order, firstNumber: sent + 1, count })
    sent += count
    return perSecond
  }
  await send(countOf[kind] / 4)
  for (let round = 0; round < bench.rounds(3); round++) rates.push(await send(countOf[kind]))
  await requireStored(app.database(), sent)
  return median(rates)
}

/** A figure for work that was not done would be worth nothing. */
const requireStored = async (database: Database, sent: number): Promise<void> => {
  const { rows } = await database.query(`select
    (select count(*) from deliveries where disposition = 'started') as deliveries,
    (select count(*) from workflow_executions) as runs,
    (select count(*) from pgboss.job where name = 'acknowledge') as jobs`)
  const counts = Object.values(rows[0] ?? {}).map(Number)
  if (counts.some((count) => count !== sent)) {
    throw new Error(`${sent} were sent, and there are ${JSON.stringify(rows[0])}.`)
  }
}
