import type { ErrorRule } from '../domain/error-class.ts'
import { failureOf, JourneymanError } from '../domain/errors.ts'
import type { Breaker } from '../store/circuit-breakers.ts'

/** What a caller is told while the breaker of a service is open. Nothing was sent. */
export const refusal = (breaker: Breaker): JourneymanError => {
  const { service, failures, retryAt, retryInMs, openedAt } = breaker
  const when =
    breaker.state === 'open' && retryAt ? `it is tried again at ${clock(retryAt)}` : 'it is being tried again'
  return new JourneymanError(
    'unavailable',
    `${titleOf(service)} has not answered ${failures} times in a row; ${when}.`,
    {
      service: ownerOf(service),
      retryAfterMs: spread(retryInMs),
      nextAction: `Nothing: what waits for it goes on by itself. If it lasts, look at the status page of ${titleOf(ownerOf(service))}.`,
      detail: { breaker: breaker.state, charge: 'free', since: openedAt?.toISOString() ?? null },
    },
  )
}

/**
 * The failure of a call after which the breaker is open. Who happened to be the one that found out, or that tried whether the
 * service is back, comes again when the others do.
 */
export const putOff = (error: unknown, { retryInMs }: Breaker): unknown => {
  if (!(error instanceof JourneymanError)) return error
  const retryAfterMs = Math.max(error.retryAfterMs ?? 0, spread(retryInMs))
  const detail = { ...error.detail, breaker: 'opened' }
  return new JourneymanError(error.code, error.message, {
    ...failureOf(error),
    retryAfterMs,
    detail,
    cause: error.cause,
  })
}

const leastMs = 1_000

/** A little later than the time itself, each caller by another while: they would all come at once. */
const spread = (ms: number): number => Math.ceil(Math.max(ms, leastMs) + Math.random() * Math.min(5_000, 500 + ms / 10))

/**
 * While a breaker is open everything is waited out, under every strategy of a step, and uses up none of its tries: all runs
 * of an installation would otherwise end with the first outage.
 */
export const refusalRules = (services: readonly string[]): ErrorRule[] =>
  services.map((service) => ({
    service,
    matches: (failure) => failure.detail?.['breaker'] !== undefined,
    class: 'rate_limited',
  }))

/** `anthropic/claude-x` is one model of a service. */
export const modelBreaker = (service: string, model: string): string => `${service}/${model}`
const ownerOf = (service: string): string => service.split('/', 1)[0] ?? service

const titles: Record<string, string> = { github: 'GitHub', gitlab: 'GitLab', openai: 'OpenAI' }

/** A service as people write it. */
export const titleOf = (service: string): string => {
  const owner = ownerOf(service)
  const title = titles[owner] ?? owner.charAt(0).toUpperCase() + owner.slice(1)
  return owner === service ? title : `${service.slice(owner.length + 1)} (${title})`
}

const clock = (at: Date): string => `${at.toISOString().slice(11, 19)} UTC`
