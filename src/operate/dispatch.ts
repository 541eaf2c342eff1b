import { setTimeout as wait } from 'node:timers/promises'
import type { z } from 'zod'
import { JourneymanError } from '../domain/errors.ts'
import type { OperateParts, Verb } from './contract.ts'
import { type Operator, verbs } from './verbs.ts'

/** Verbs by name, with input that nobody has looked at yet: what the control socket hands on. */
export type Dispatch = {
  /** Throws `not_found` for a verb that there is not, `invalid_input` for what it does not take. */
  ask: (name: string, input: unknown, by: string) => Promise<unknown>
  follow: (name: string, input: unknown, by: string, signal: AbortSignal) => AsyncIterable<unknown>
}

const lookEveryMs = 250

/** `beforeWriting` opens what a verb that writes needs and one that only reads does not. */
export const createDispatch = (parts: OperateParts, beforeWriting?: () => Promise<void>): Dispatch => ({
  ask: async (name, input, by) => {
    const { verb, read } = verbOf(name, input)
    if (!verb.reads) await beforeWriting?.()
    return verb.ask(parts, read, by)
  },
  follow: async function* (name, input, by, signal) {
    const { verb, read } = verbOf(name, input)
    if (!verb.follow) throw new JourneymanError('invalid_input', `"${name}" has nothing that could be followed.`)
    let next: unknown = read
    let before: unknown = null
    while (next !== null && !signal.aborted) {
      const output = await verb.ask(parts, next, by)
      if (verb.follow.isNews(output, before)) yield output
      before = output
      next = verb.follow.next(next, output)
      if (next !== null) await wait(lookEveryMs, undefined, { signal }).catch(() => undefined)
    }
  },
})

/** The direct way: in the process that has the database open. */
export const createOperator = (parts: OperateParts, by: string, beforeWriting?: () => Promise<void>): Operator => {
  const dispatch = createDispatch(parts, beforeWriting)
  return {
    ask: async (name, input) => (await dispatch.ask(name, input, by)) as never,
    follow: (name, input, signal) =>
      dispatch.follow(name, input, by, signal ?? new AbortController().signal) as AsyncIterable<never>,
  }
}

const verbOf = (name: string, input: unknown): { verb: Verb; read: unknown } => {
  const verb = Object.hasOwn(verbs, name) ? (verbs as unknown as Record<string, Verb>)[name] : undefined
  if (!verb) throw new JourneymanError('not_found', `There is no verb "${name}" here.`)
  const read = verb.input.safeParse(input ?? {})
  if (read.success) return { verb, read: read.data }
  throw new JourneymanError('invalid_input', read.error.issues.map(sentenceOf).join(' '))
}

const sentenceOf = (issue: z.core.$ZodIssue): string => {
  const what = issue.path.length === 0 ? 'What is asked' : `"${issue.path.join('.')}"`
  if (issue.code === 'invalid_value') return `${what} has to be one of ${issue.values.join(', ')}.`
  if (issue.code === 'too_big') return `${what} is at most ${issue.maximum}.`
  if (issue.code === 'too_small') return `${what} is at least ${issue.minimum}.`
  return `${what} cannot be asked so: ${issue.message}.`
}
