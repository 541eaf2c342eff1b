import type { Failure } from '../domain/errors.ts'
import { disarm, inlineCode } from './disarm.ts'
import { planAt } from './plan-at.ts'
import type { ProgressFacts, ShownStep } from './progress-facts.ts'
import { clockTime, listing } from './wording.ts'

/** What a parked run waits for, in words; for a person first, since that is whom it concerns. */
export const waitTitle = (facts: ProgressFacts): string => {
  const { run, steps, approvals, now } = facts
  if (approvals.some(({ state }) => state === 'waiting')) return 'Waiting for approval'
  const until = run.wakeAt === null ? '' : ` until ${clockTime(run.wakeAt, now)}`
  const events = steps.filter(isWait).map((row) => planAt(facts.plan, row.address)?.event ?? null)
  const named = [...new Set(events.filter((event) => event !== null))].map(wordsOf)
  if (named.length > 0) return `Waiting for ${listing(named.slice(0, 3))}${until}`
  if (events.length > 0) return `Waiting${until}`
  const back = steps.filter(isComingAgain).map((row) => row.failure)
  const [failure] = back
  if (failure) return `Waiting for ${causeOf(failure)}${until}`
  if (!steps.some(({ address }) => !address.startsWith('@'))) return 'Waiting for another run of the same to end'
  return `Waiting${until}`
}

export const isComingAgain = (row: ShownStep): boolean => row.state === 'failed' && row.retryInSeconds !== null

const isWait = (row: ShownStep): boolean => row.state === 'running' && row.kind === 'wait'

const words: Record<string, string> = {
  'checks.completed': 'the checks',
  'checks.failed': 'a failed check',
  'change.reviewed': 'a review',
  'change.commented': 'a comment',
  'change.labeled': 'a label',
  'change.merged': 'the merge',
  'change.closed': 'the pull request to be closed',
  'issue.labeled': 'a label',
  'issue.assigned': 'an assignment',
  'task.transitioned': 'the ticket to be moved',
  'command.given': 'a command',
}
const wordsOf = (event: string): string => (Object.hasOwn(words, event) && words[event]) || inlineCode(event)

const services: Record<string, string> = { github: 'GitHub', anthropic: 'Claude' }

const causeOf = ({ code, service }: Failure): string => {
  const name = service === undefined ? null : (Object.hasOwn(services, service) && services[service]) || disarm(service)
  if (code === 'rate_limited') return name === null ? 'a rate limit' : `the rate limit of ${name}`
  const isAway = code === 'unavailable' || code === 'overloaded' || code === 'timeout'
  if (isAway) return name === null ? 'a service that does not answer,' : `${name}, which does not answer,`
  return 'another try'
}
