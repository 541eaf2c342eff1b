import { crashPoint } from '../domain/crash-point.ts'
import { codeOf, JourneymanError } from '../domain/errors.ts'
import type { Delivery, Event, Reading } from '../domain/event.ts'
import type { Queue } from '../queue/contract.ts'
import type { Database, Tx } from '../store/database.ts'
import {
  type DeliveryLink,
  type DeliveryRow,
  findBodies,
  getDelivery,
  insertDeliveries,
  linkDeliveries,
  setDisposition,
} from '../store/deliveries.ts'
import { insertRuns, type Standing } from '../store/runs.ts'
import { addSignals, type NewSignal, runsWaitingFor } from '../store/signals.ts'
import { createBatch } from './batch.ts'
import { isForRuns } from './command-names.ts'
import { createPlanner, onePerIntent, type Plan, type PlanParts } from './plan-delivery.ts'

/** What became of a delivery. `known`: it had arrived before, and nothing was done this time. */
export type Receipt = {
  known: boolean
  disposition: string
  reason: string | null
  runs: string[]
}

export type Receiver = {
  /**
   * Stores the delivery with what follows from it, in one transaction; not stored means not acknowledged. Throws
   * `store_unavailable` when the database did not say that it has it, `overloaded` when too many wait.
   */
  receive: (delivery: Delivery, reading: Reading) => Promise<Receipt>
}

export const createReceiver = (parts: PlanParts & { database: Database; queue: Queue }): Receiver => {
  const { database, queue } = parts
  const planOf = createPlanner(parts)
  const store = createBatch<Plan, Receipt>({
    most: 64,
    // PGlite has one connection; PostgreSQL writes one batch while it syncs another.
    atOnce: database.kind === 'pglite' ? 1 : 2,
    // As many as come in some seconds; whoever finds more waiting does better to be told so.
    mostWaiting: 5_000,
    full: () =>
      new JourneymanError('overloaded', 'More deliveries are waiting to be stored than can be: send it again.'),
    isOfAll: (error) => codeOf(error) === 'store_unavailable',
    run: (plans) => database.db.transaction().execute((tx) => storePlans(tx, queue, plans.map(copyOf))),
  })
  return {
    receive: async (delivery, reading) => {
      const receipt = await store(planOf(delivery, reading))
      crashPoint('ingest.committed')
      if (!receipt.known) return receipt
      const before = await getDelivery(database.db, delivery.provider, delivery.deliveryId)
      return before ? { known: true, ...before } : receipt
    },
  }
}

/** On copies of what was planned: what a try that failed has written into one is not true of the next. */
const copyOf = (plan: Plan): Plan => ({ ...plan, row: { ...plan.row } })

const storePlans = async (tx: Tx, queue: Queue, plans: Plan[]): Promise<Receipt[]> => {
  await ignoreReplays(tx, plans)
  // In the order of their ids, so that two transactions never wait for each other in a ring.
  const rows = plans.map((plan) => plan.row).sort((a, b) => (a.deliveryId < b.deliveryId ? -1 : 1))
  const fresh = await insertDeliveries(tx, rows)
  const stored = plans.filter((plan) => fresh.has(plan.row.id))
  // Before the runs of this batch are there: what starts a run is no signal to it.
  const waiting = await runsWaitingFor(
    tx,
    stored.flatMap((plan) => plan.events),
  )
  const standing = await insertRuns(tx, onePerIntent(stored.flatMap((plan) => plan.runs)), [...waiting.values()].flat())
  const signals = await giveSignals(tx, stored, waiting)
  const outcomes = stored.map((plan) => outcomeOf(plan, standing, signals))
  await linkDeliveries(
    tx,
    outcomes.flatMap((outcome) => outcome.links),
  )
  await correctDispositions(tx, outcomes)
  await enqueueJobs(tx, queue, outcomes, signals)
  return plans.map((plan) => receiptOf(plan, fresh, outcomes.find((outcome) => outcome.plan === plan)?.links ?? []))
}

/** Each event to each live run that may wait for it; what was given. */
const giveSignals = async (tx: Tx, stored: Plan[], waiting: Map<Event, string[]>): Promise<NewSignal[]> => {
  const signals = stored.flatMap((plan) =>
    plan.events.flatMap((event, ordinal) =>
      (waiting.get(event) ?? []).map((runId): NewSignal => ({ runId, delivery: plan.row.id, event, ordinal })),
    ),
  )
  const live = await addSignals(tx, signals)
  return signals.filter((signal) => live.has(signal.runId))
}

type Outcome = { plan: Plan; links: DeliveryLink[]; commands: Event[] }

/** What starts or joins a run and is a signal to it too has one link, the first; the signal is given all the same. */
const outcomeOf = (plan: Plan, standing: Map<string, Standing>, signals: NewSignal[]): Outcome => {
  const own = signals.filter((signal) => signal.delivery === plan.row.id)
  const links = [
    ...linksOf(plan, standing),
    ...own.map(({ runId }): DeliveryLink => ({ delivery: plan.row.id, runId, role: 'signalled' })),
  ]
  return {
    plan,
    links: [...new Map(links.toReversed().map((link) => [link.runId, link])).values()].toReversed(),
    // A word that a run waits for is not unknown.
    commands: plan.commands.filter((command) => isForRuns(command) || !own.some(({ event }) => event === command)),
  }
}

const correctDispositions = async (tx: Tx, outcomes: Outcome[]): Promise<void> => {
  const became = Map.groupBy(outcomes, ({ plan, links }) => dispositionOf(plan, links))
  for (const disposition of ['joined', 'signalled'] as const) {
    const changed = (became.get(disposition) ?? []).filter(({ plan }) => plan.row.disposition !== disposition)
    for (const { plan } of changed) Object.assign(plan.row, { disposition, reason: null })
    const ids = changed.map(({ plan }) => plan.row.id)
    await setDisposition(tx, ids, disposition, null)
  }
}

const dispositionOf = ({ row }: Plan, links: DeliveryLink[]): DeliveryRow['disposition'] => {
  for (const role of ['started', 'joined', 'signalled'] as const)
    if (links.some((link) => link.role === role)) return role
  return row.disposition
}

const enqueueJobs = async (tx: Tx, queue: Queue, outcomes: Outcome[], signals: NewSignal[]): Promise<void> => {
  const started = outcomes.flatMap(({ links }) => links.filter((link) => link.role === 'started'))
  const acknowledge = [
    ...started.map(({ runId }) => ({ runId })),
    ...outcomes.flatMap(({ plan, commands }) => commands.map((command) => ({ command, delivery: plan.row.id }))),
  ]
  const woken = [...new Set(signals.map(({ runId }) => runId))].map((runId) => ({ runId }))
  if (acknowledge.length > 0) await queue.enqueueAll('acknowledge', acknowledge, { tx })
  if (woken.length > 0) await queue.enqueueAll('advance-run', woken, { tx })
}

/** An old signed body under a new id, or twice in this batch: kept on record, starts nothing. */
const ignoreReplays = async (tx: Tx, plans: Plan[]): Promise<void> => {
  const byProvider = Map.groupBy(plans, (plan) => plan.row.provider)
  for (const [provider, group] of byProvider) {
    const before = await findBodies(tx, provider, [...new Set(group.map((plan) => plan.row.bodyHash))])
    for (const { row } of group) {
      const first = before.get(row.bodyHash)
      if (first === undefined) before.set(row.bodyHash, row.deliveryId)
    }
    for (const plan of group) {
      const first = before.get(plan.row.bodyHash)
      if (first === plan.row.deliveryId) continue
      plan.row.disposition = 'ignored'
      plan.row.reason = `The same body arrived before, as delivery ${first}.`
      plan.runs = []
      plan.events = []
      plan.commands = []
    }
  }
}

const linksOf = (plan: Plan, standing: Map<string, Standing>): DeliveryLink[] =>
  onePerIntent(plan.runs).flatMap((run): DeliveryLink[] => {
    const live = standing.get(run.intentKey)
    if (!live) return []
    const link = { delivery: plan.row.id, runId: live.id }
    if (live.id === run.id) return [{ ...link, role: 'started' }]
    return [{ ...link, role: 'joined', event: run.event, late: live.late }]
  })

const receiptOf = (plan: Plan, fresh: Set<string>, links: DeliveryLink[]): Receipt => ({
  known: !fresh.has(plan.row.id),
  disposition: plan.row.disposition,
  reason: plan.row.reason,
  runs: links.map((link) => link.runId),
})
