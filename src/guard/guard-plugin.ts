import { type ErrorCode, failureOf, JourneymanError } from '../domain/errors.ts'
import type { Breakers, Judge } from './breakers.ts'
import { verdictOf } from './verdict.ts'

type GuardOptions<Plugin> = {
  /** Members that are called whatever the breaker says: what health and the taking in of deliveries rest on. */
  always?: readonly (keyof Plugin & string)[]
  /** Members whose answer may come from memory: it proves nothing of the service. */
  remembered?: readonly (keyof Plugin & string)[]
}

/**
 * A plugin whose every call passes the breaker of its service, and whose every failure says whose it is. A call is refused
 * as a whole, before its first request: never in its middle, and never after something was sent.
 */
export const guardPlugin = <Plugin extends { name: string }>(
  plugin: Plugin,
  breakers: Breakers,
  { always = [], remembered = [] }: GuardOptions<Plugin> = {},
): Plugin => {
  const guard = (member: string, call: Call): Call => {
    const judge: Judge = {
      answered: (remembered as readonly string[]).includes(member) ? 'unknown' : 'well',
      failed: verdictOf,
    }
    const free = (always as readonly string[]).includes(member)
    return (...given) => {
      const named = () => inName(plugin.name, () => call(...given))
      return free ? named() : breakers.pass(plugin.name, named, judge)
    }
  }
  const guarded = Object.entries(plugin).map(([member, value]) => [
    member,
    typeof value === 'function' ? guard(member, value as Call) : value,
  ])
  return Object.fromEntries(guarded) as Plugin
}

type Call = (...given: unknown[]) => Promise<unknown>

/** Makes the call; a failure of it says whose it is. */
export const inName = async <Result>(service: string, call: () => Promise<Result>): Promise<Result> => {
  try {
    return await call()
  } catch (error) {
    throw named(service, error)
  }
}

/** The same failure, with the service's name. What is not the service's doing is left as it is. */
export const named = (service: string, error: unknown): unknown => {
  if (!(error instanceof JourneymanError) || error.service !== undefined || notTheirs.has(error.code)) return error
  const failed = new JourneymanError(error.code, error.message, { ...failureOf(error), service, cause: error.cause })
  if (error.stack !== undefined) failed.stack = error.stack
  return failed
}

const notTheirs: ReadonlySet<ErrorCode> = new Set([
  'stopped',
  'cancelled',
  'shutting_down',
  'stale_epoch',
  'store_unavailable',
  'limit_reached',
  'budget_exceeded',
])
