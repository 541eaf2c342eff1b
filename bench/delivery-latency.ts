import type { Measurement, Result } from './measurement.ts'
import type { Bench, Place } from './open-bench.ts'
import { sendLoad } from './send-load.ts'
import { onEachDatabase, startBenchApp } from './start-bench-app.ts'
import { percentile } from './statistics.ts'

const perSecond = 50

/** How long GitHub waits for an answer where deliveries come one by one, steadily. */
export const deliveryLatency: Measurement = {
  name: 'delivery-latency',
  measure: (bench) => onEachDatabase(bench, (place, name) => latencyOn(bench, place, name)),
}

const latencyOn = async (bench: Bench, place: Place, name: string): Promise<Result> => {
  const world = await bench.world()
  const { url } = await startBenchApp(bench, { world, place, worker: false })
  const order = {
    url: `${url}/webhooks/github`,
    secret: world.github.app.webhookSecret,
    label: 'ai',
    connections: 16,
    perSecond,
  }
  await sendLoad({ ...order, firstNumber: 1, count: perSecond })
  const { latenciesMs } = await sendLoad({ ...order, firstNumber: 1_000, count: bench.rounds(10) * perSecond })
  const p99 = percentile(latenciesMs, 0.99)
  return {
    name: `p99 of a delivery at ${perSecond} a second on ${name}`,
    value: p99,
    unit: 'ms',
    p50: percentile(latenciesMs, 0.5),
    p99,
    floor: 10,
    goal: 10,
    better: 'lower',
    note: `p50 ${percentile(latenciesMs, 0.5).toFixed(1)} ms, of ${latenciesMs.length}`,
  }
}
