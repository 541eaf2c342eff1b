import type { Database } from '../src/store/database.ts'
import type { Measurement, Result } from './measurement.ts'
import type { Bench, DatabaseKind } from './open-bench.ts'
import { sendLoad } from './send-load.ts'
import { startBareRoute } from './start-bare-route.ts'
import { startBenchApp } from './start-bench-app.ts'
import { median } from './statistics.ts'

const connections = 64
const countOf: Record<DatabaseKind, number> = { pglite: 1_500, postgres: 3_000 }

/** Each starts a run of its own, and each is answered only when delivery, run and job are committed together. */
export const deliveriesPerSecond: Measurement = {
  name: 'deliveries-per-second',
  measure: async (bench) => {
    const bare = await bareRate(bench)
    const results: Result[] = []
    for (const { database, kind, durable, floor, goal } of places) {
      const value = await rateOn(bench, kind, durable)
      await bench.tidy()
      if (value === null) continue
      const share = (100 * value) / bare
      const note = `${connections} at a time; ${Math.round(share)} % of the bare signed route`
      const name = `deliveries stored and enqueued on ${database}`
      results.push({ name, value, unit: '/s', floor, goal, better: 'higher', note })
    }
    const name = 'a bare route that checks the signature and stores nothing'
    return [...results, { name, value: bare, unit: '/s', floor: null, goal: null, better: 'higher' }]
  },
}

type Row = { database: string; kind: DatabaseKind; durable: boolean; floor: number; goal: number }
const places: Row[] = [
  { database: 'PostgreSQL', kind: 'postgres', durable: false, floor: 600, goal: 2_000 },
  { database: 'PostgreSQL, each commit synced to disk', kind: 'postgres', durable: true, floor: 600, goal: 2_000 },
  { database: 'PGlite', kind: 'pglite', durable: false, floor: 350, goal: 1_000 },
]

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

const rateOn = async (bench: Bench, kind: DatabaseKind, durable: boolean): Promise<number | null> => {
  const place = await bench.place(kind, { durable })
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
