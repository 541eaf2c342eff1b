import { createHash } from 'node:crypto'
import { crashPoint } from '../domain/crash-point.ts'
import { codeOf, JourneymanError } from '../domain/errors.ts'
import type { Delivery, Event, Reading } from '../domain/event.ts'
import { newId } from '../domain/ids.ts'
import { intentKey } from '../domain/intent-key.ts'
import type { Queue } from '../queue/contract.ts'
import type { Database, Tx } from '../store/database.ts'
import {
  type DeliveryRow,
  findBodies,
  getDelivery,
  insertDeliveries,
  linkDeliveries,
  setDisposition,
} from '../store/deliveries.ts'
import { asStored } from '../store/json.ts'
import { insertRuns, type NewRun } from '../store/runs.ts'
import type { LoadedWorkflow } from '../workflow/language/definition.ts'
import { matchTriggers } from '../workflow/language/match-triggers.ts'
import { createBatch } from './batch.ts'

/** What became of a delivery. `known`: it had arrived before, and nothing was done this time. */
export type Receipt = {
  known: boolean
  disposition: string
  reason: string | null
  runs: string[]
}

export type RunCaps = { costCap: number; tokenCap: number; deadlineSeconds: number }

export type Receiver = {
  /**
   * Stores the delivery with what follows from it, in one transaction; not stored means not acknowledged. Throws
   * `store_unavailable` when the database did not say that it has it, `overloaded` when too many wait.
   */
  receive: (delivery: Delivery, reading: Reading) => Promise<Receipt>
}

export const createReceiver = (parts: {
  database: Database
  queue: Queue
  workflows: () => LoadedWorkflow[]
  caps: (workflow: LoadedWorkflow) => RunCaps
}): Receiver => {
  const { database, queue } = parts
  const store = createBatch<Plan, Receipt>({
    most: 64,
    // PGlite has one connection; PostgreSQL writes one batch while it syncs another.
    atOnce: database.kind === 'pglite' ? 1 : 2,
    // As many as come in some seconds; whoever finds more waiting does better to be told so.
    mostWaiting: 5_000,
    full: () =>
      new JourneymanError('overloaded', 'More deliveries are waiting to be stored than can be: send it again.'),
    isOfAll: (error) => codeOf(error) === 'store_unavailable',
    // On copies: what a try that failed has written into a plan is not true of the next.
    run: (plans) => database.db.transaction().execute((tx) => storePlans(tx, queue, plans.map(copyOf))),
  })
  return {
    receive: async (delivery, reading) => {
      const receipt = await store(planOf(delivery, reading, parts.workflows(), parts.caps))
      crashPoint('ingest.committed')
      if (!receipt.known) return receipt
      const before = await getDelivery(database.db, delivery.provider, delivery.deliveryId)
      return before ? { known: true, ...before } : receipt
    },
  }
}

/** What a delivery will come to, decided before the transaction so that it is short. */
type Plan = { row: DeliveryRow; runs: NewRun[]; commands: Event[] }

const copyOf = (plan: Plan): Plan => ({ ...plan, row: { ...plan.row } })

const planOf = (
  delivery: Delivery,
  reading: Reading,
  workflows: LoadedWorkflow[],
  caps: (workflow: LoadedWorkflow) => RunCaps,
): Plan => {
  // As rows can hold them: a comment may contain anything.
  const events = 'events' in reading ? (asStored(reading.events) as Event[]) : []
  const commands = events.filter(isSignal)
  const runs = events.filter((event) => !isSignal(event)).flatMap((event) => runsFor(event, workflows, caps))
  const useless = 'ignored' in reading ? reading.ignored : `No workflow is started by ${namesOf(events)}.`
  const disposition = runs.length > 0 ? 'started' : commands.length > 0 ? 'signalled' : 'ignored'
  return {
    row: {
      id: newId('del'),
      provider: delivery.provider,
      deliveryId: delivery.deliveryId,
      type: delivery.type.replaceAll('\u0000', ''),
      bodyHash: createHash('sha256').update(delivery.body).digest('hex'),
      body: delivery.body.toString('utf8').replaceAll('\u0000', ''),
      disposition,
      reason: disposition === 'ignored' ? useless : null,
    },
    runs,
    commands,
  }
}

/** Commands that are said to a run that exists; the others start one. */
const isSignal = (event: Event): boolean => event.name === 'command.given' && event.fields['command'] === 'stop'

const runsFor = (event: Event, workflows: LoadedWorkflow[], caps: (workflow: LoadedWorkflow) => RunCaps): NewRun[] => {
  if (event.repository === null || event.subject === null) return []
  const repository = event.repository
  const subject = `${event.subject.kind}/${event.subject.key}`
  return matchTriggers(event, workflows).map((workflow) => ({
    id: newId('run'),
    workflow: workflow.definition.name,
    definitionHash: workflow.hash,
    intentKey: intentKey(event, workflow.definition.name),
    repository,
    subject,
    event,
    ...caps(workflow),
  }))
}

const storePlans = async (tx: Tx, queue: Queue, plans: Plan[]): Promise<Receipt[]> => {
  await ignoreReplays(tx, plans)
  // In the order of their ids, so that two transactions never wait for each other in a ring.
  const rows = plans.map((plan) => plan.row).sort((a, b) => (a.deliveryId < b.deliveryId ? -1 : 1))
  const fresh = await insertDeliveries(tx, rows)
  const stored = plans.filter((plan) => fresh.has(plan.row.id))
  const standing = await insertRuns(tx, onePerIntent(stored.flatMap((plan) => plan.runs)))
  const outcomes = stored.map((plan) => ({ plan, links: linksOf(plan, standing) }))
  await linkDeliveries(
    tx,
    outcomes.flatMap((outcome) => outcome.links),
  )
  const joined = outcomes.filter(({ links }) => links.length > 0 && links.every((link) => link.role === 'joined'))
  for (const { plan } of joined) plan.row.disposition = 'joined'
  await setDisposition(
    tx,
    joined.map(({ plan }) => plan.row.id),
    'joined',
    null,
  )
  const started = outcomes.flatMap(({ links }) => links.filter((link) => link.role === 'started'))
  const jobs = [
    ...started.map((link) => ({ runId: link.runId })),
    ...stored.flatMap((plan) => plan.commands.map((command) => ({ command }))),
  ]
  if (jobs.length > 0) await queue.enqueueAll('acknowledge', jobs, { tx })
  return plans.map((plan) => receiptOf(plan, fresh, outcomes.find((outcome) => outcome.plan === plan)?.links ?? []))
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
      plan.commands = []
    }
  }
}

const onePerIntent = (runs: NewRun[]): NewRun[] => [...new Map(runs.map((run) => [run.intentKey, run])).values()]

type Link = { delivery: string; runId: string; role: 'started' | 'joined'; event?: Event }

const linksOf = (plan: Plan, standing: Map<string, { id: string; joined: boolean }>): Link[] =>
  onePerIntent(plan.runs).flatMap((run) => {
    const live = standing.get(run.intentKey)
    if (!live) return []
    const link = { delivery: plan.row.id, runId: live.id }
    return [live.id === run.id ? { ...link, role: 'started' } : { ...link, role: 'joined', event: run.event }]
  })

const receiptOf = (plan: Plan, fresh: Set<string>, links: Link[]): Receipt => ({
  known: !fresh.has(plan.row.id),
  disposition: plan.row.disposition,
  reason: plan.row.reason,
  runs: links.map((link) => link.runId),
})

const namesOf = (events: Event[]): string => [...new Set(events.map((event) => event.name))].join(', ') || 'this'
