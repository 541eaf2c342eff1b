import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Breaker } from '../store/circuit-breakers.ts'

/** What is counted, for Prometheus. A registry of its own per server, so that two in one process do not mix. */
export type Metrics = {
  contentType: string
  render: () => Promise<string>
  delivery: (provider: string, outcome: string) => void
  /** Calls of an outside service: that said it is ill, and that were not made because it is. */
  service: (service: string, what: 'failed' | 'refused') => void
  /** From where the breakers are read at each scrape. */
  watchServices: (read: () => Promise<Breaker[]>) => void
}

export const createMetrics = (): Metrics => {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const deliveries = new Counter({
    name: 'journeyman_deliveries_total',
    help: 'Requests at a webhook route, by what became of them. Refused ones are counted and not stored.',
    labelNames: ['provider', 'outcome'],
    registers,
  })
  const calls = new Counter({
    name: 'journeyman_service_trouble_total',
    help: 'Calls of outside services by this process that failed as if the service were ill, or were refused by its breaker.',
    labelNames: ['service', 'what'],
    registers,
  })
  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    delivery: (provider, outcome) => deliveries.inc({ provider, outcome }),
    service: (service, what) => calls.inc({ service, what }),
    watchServices: (read) => watchServices(registers, read),
  }
}

const states = ['closed', 'open', 'half_open'] as const

/** What all workers know, from the one table; where it cannot be read the last that was known is told. */
const watchServices = (registers: Registry[], read: () => Promise<Breaker[]>): void => {
  const known = () => read().catch(() => [])
  new Gauge({
    name: 'journeyman_service_failures_in_a_row',
    help: 'Failures in a row of calls of an outside service, of all workers together.',
    labelNames: ['service'],
    registers,
    async collect() {
      for (const breaker of await known()) this.set({ service: breaker.service }, breaker.failures)
    },
  })
  new Gauge({
    name: 'journeyman_service_breaker',
    help: 'The state of the breaker of an outside service, of all workers together: 1 for the state that it is in.',
    labelNames: ['service', 'state'],
    registers,
    async collect() {
      for (const breaker of await known()) {
        for (const state of states) this.set({ service: breaker.service, state }, breaker.state === state ? 1 : 0)
      }
    },
  })
}
