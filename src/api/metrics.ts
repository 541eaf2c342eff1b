import { Counter, collectDefaultMetrics, Registry } from 'prom-client'

/** What is counted, for Prometheus. A registry of its own per server, so that two in one process do not mix. */
export type Metrics = {
  contentType: string
  render: () => Promise<string>
  delivery: (provider: string, outcome: string) => void
}

export const createMetrics = (): Metrics => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const deliveries = new Counter({
    name: 'journeyman_deliveries_total',
    help: 'Requests at a webhook route, by what became of them. Refused ones are counted and not stored.',
    labelNames: ['provider', 'outcome'],
    registers: [registry],
  })
  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    delivery: (provider, outcome) => deliveries.inc({ provider, outcome }),
  }
}
