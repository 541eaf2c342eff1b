import { disarm } from './disarm.ts'
import { planAt } from './plan-at.ts'
import type { ProgressFacts, ShownStep } from './progress-facts.ts'
import { isComingAgain } from './waiting.ts'
import { listing, oneLine } from './wording.ts'

const place = '@rollback/'
const mostNamed = 20

/** What a run that failed has taken back, and what it could not. */
export const undone = (facts: ProgressFacts): string[] => {
  const rows = facts.steps.filter(({ address }) => address.startsWith(place))
  const named = (some: ShownStep[], text: (row: ShownStep) => string) => {
    const more = some.length - mostNamed
    return listing([...some.slice(0, mostNamed).map(text), ...(more > 0 ? [`${more} more`] : [])])
  }
  const nameOf = (row: ShownStep): string => {
    const step = planAt(facts.plan, row.address.slice(place.length))
    return disarm(oneLine(step?.description ?? row.name, 100))
  }
  const done = rows.filter(({ state }) => state === 'done')
  const stuck = rows.filter((row) => row.state === 'failed' && !isComingAgain(row))
  const open = rows.filter((row) => row.state === 'running' || isComingAgain(row))
  const why = (row: ShownStep) =>
    `${nameOf(row)}${row.failure ? ` (${disarm(oneLine(row.failure.message, 160))})` : ''}`
  return [
    ...(open.length > 0 ? ['', `**Undoing:** ${named(open, nameOf)}`] : []),
    ...(done.length > 0 ? ['', `**Undone:** ${named(done, nameOf)}`] : []),
    ...(stuck.length > 0 ? ['', `**Could not be undone:** ${named(stuck, why)}`] : []),
  ]
}
