import { createHash } from 'node:crypto'
import type { Delivery, Event, EventName, Reading } from '../domain/event.ts'
import { newId } from '../domain/ids.ts'
import { intentKey } from '../domain/intent-key.ts'
import type { DeliveryRow } from '../store/deliveries.ts'
import { asStored } from '../store/json.ts'
import type { NewRun } from '../store/runs.ts'
import type { LoadedWorkflow } from '../workflow/language/definition.ts'
import { eventsWaitedFor } from '../workflow/language/events-waited-for.ts'
import { matchTriggers } from '../workflow/language/match-triggers.ts'
import { isForRuns } from './command-names.ts'

/** What a delivery will come to, decided before the transaction so that it is short. */
export type Plan = {
  row: DeliveryRow
  runs: NewRun[]
  /** All that it tells of: live runs may wait for any of it. */
  events: Event[]
  /** What is said to us, and starts nothing. */
  commands: Event[]
}

export type RunCaps = { costCap: number; tokenCap: number; deadlineSeconds: number }
export type PlanParts = { workflows: () => LoadedWorkflow[]; caps: (workflow: LoadedWorkflow) => RunCaps }

export const createPlanner = (parts: PlanParts): ((delivery: Delivery, reading: Reading) => Plan) => {
  const runsOf = createRunsOf(parts)
  return (delivery, reading) => {
    // As rows can hold them: a comment may contain anything.
    const events = 'events' in reading ? (asStored(reading.events) as Event[]) : []
    const starting = new Map(events.map((event) => [event, isForRuns(event) ? [] : runsOf(event)]))
    const runs = [...starting.values()].flat()
    const commands = commandsOf(events.filter((event) => starting.get(event)?.length === 0))
    const disposition = runs.length > 0 ? 'started' : commands.length > 0 ? 'signalled' : 'ignored'
    const useless = 'ignored' in reading ? reading.ignored : nobodyFor(events)
    const reason = disposition === 'ignored' ? useless : null
    return { row: { ...rowOf(delivery), disposition, reason }, runs, events, commands }
  }
}

/** The first of each intent stands for all of them. */
export const onePerIntent = (runs: NewRun[]): NewRun[] => [...new Map(runs.map((run) => [run.intentKey, run])).values()]

const rowOf = (delivery: Delivery): Omit<DeliveryRow, 'disposition' | 'reason'> => ({
  id: newId('del'),
  provider: delivery.provider,
  deliveryId: delivery.deliveryId,
  type: delivery.type.replaceAll('\u0000', ''),
  bodyHash: createHash('sha256').update(delivery.body).digest('hex'),
  body: delivery.body.toString('utf8').replaceAll('\u0000', ''),
})

const nobodyFor = (events: Event[]): string => {
  const names = [...new Set(events.map((event) => event.name))].join(', ') || 'this'
  return `No workflow is started by ${names}, and no live run waits for it.`
}

/** What nobody knows is answered with what there is, and once, however much of it a comment holds. */
const commandsOf = (events: Event[]): Event[] => {
  const given = events.filter((event) => event.name === 'command.given' && event.subject !== null)
  const known = given.filter(isForRuns)
  const unknown = given.filter((event) => !isForRuns(event))
  return known.some((event) => event.fields['command'] === 'help') ? known : [...known, ...unknown.slice(0, 1)]
}

const createRunsOf = ({ workflows, caps }: PlanParts): ((event: Event) => NewRun[]) => {
  const waits = new WeakMap<LoadedWorkflow, EventName[]>()
  const waitsOf = (workflow: LoadedWorkflow): EventName[] => {
    const known = waits.get(workflow) ?? eventsWaitedFor(workflow.definition, workflow.prompts)
    waits.set(workflow, known)
    return known
  }
  return (event) => {
    if (event.repository === null || event.subject === null) return []
    const repository = event.repository
    const subject = `${event.subject.kind}/${event.subject.key}`
    return matchTriggers(event, workflows()).map((workflow) => ({
      id: newId('run'),
      workflow: workflow.definition.name,
      definitionHash: workflow.hash,
      intentKey: intentKey(event, workflow.definition.name),
      repository,
      subject,
      event,
      ...caps(workflow),
      waitsFor: waitsOf(workflow),
    }))
  }
}
