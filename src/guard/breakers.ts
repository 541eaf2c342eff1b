import { crashPoint } from '../domain/crash-point.ts'
import { type Failure, failureOf } from '../domain/errors.ts'
import {
  type Breaker,
  type BreakerSettings,
  claimProbe,
  countFailure,
  countSuccess,
  endProbe,
  loadBreakers,
  renewProbe,
} from '../store/circuit-breakers.ts'
import type { Db } from '../store/database.ts'
import { createKnowledge, type Knowledge } from './knowledge.ts'
import { putOff, refusal } from './refusal.ts'
import { type Verdict, verdictOf } from './verdict.ts'

export type BreakersOptions = {
  db: Db
  /** Names this process in the probes that it makes. */
  owner: string
  settings: () => BreakerSettings
  log: (level: 'info' | 'warn' | 'debug', message: string, data?: Record<string, unknown>) => void
  /** Called for each failure that says a service is ill, and for each call that was refused. */
  count?: (service: string, what: 'failed' | 'refused') => void
  /** How old what this process knows of the services may be. */
  refreshMs?: number
  /** How long the probe of a process that has died stands in the way of others. */
  probeSeconds?: number
}

/** How calls of outside services are let through, or refused while their service is ill. */
export type Breakers = {
  /**
   * Makes the call, and remembers how it ended. While the breaker is open it throws `unavailable` at once, with `service`,
   * `retryAfterMs` and `detail.breaker`: nothing was sent. One caller of all workers is let through to see whether it is back.
   * A failure of the call itself has both as well, when the breaker is open after it.
   */
  pass: <Result>(service: string, call: () => Promise<Result>, judge?: Judge) => Promise<Result>
  /** Remembers how a call ended that was not asked for here. Never opens a way, never refuses. */
  note: (service: string, verdict: Verdict, failure?: Failure) => Promise<void>
}

export type Judge = {
  /** What an answer says of the service; `unknown` where it may have come from memory. */
  answered: Verdict
  failed: (failure: Failure) => Verdict
}

const defaults = { refreshMs: 1_000, probeSeconds: 10 }

/**
 * The breakers of all services, as one process sees them; the state machine stands in `store/circuit-breakers.ts`. An answer
 * while all is well costs nothing but a look into the table once a second. Where our own database does not answer, calls
 * pass: a breaker spares a service that is ill, and nothing rests on it.
 */
export const createBreakers = (given: BreakersOptions): Breakers => {
  const options = { ...defaults, ...given }
  const knowledge = createKnowledge(() => loadBreakers(options.db), options.refreshMs)
  const parts: Parts = { options, knowledge, nextProbe: counter(options.owner) }

  const note: Breakers['note'] = (service, verdict, failure) => noteOutcome(parts, service, verdict, failure)

  const pass: Breakers['pass'] = async (service, call, judge = usual) => {
    const probe = await admit(parts, service)
    const stopRenewing = probe === null ? () => undefined : renew(parts, service, probe)
    const ended = (verdict: Verdict, failure?: Failure) => {
      stopRenewing()
      return probe === null ? note(service, verdict, failure) : noteProbe(parts, service, probe, verdict, failure)
    }
    let result: Awaited<ReturnType<typeof call>>
    try {
      result = await call()
    } catch (error) {
      const failure = failureOf(error)
      const verdict = judge.failed(failure)
      await ended(verdict, failure)
      const after = knowledge.of(service)
      throw verdict === 'ill' && after?.state === 'open' ? putOff(error, after) : error
    }
    await ended(judge.answered)
    return result
  }
  return { pass, note }
}

type Parts = {
  options: Required<Omit<BreakersOptions, 'count'>> & BreakersOptions
  knowledge: Knowledge
  nextProbe: () => string
}

const usual: Judge = { answered: 'well', failed: verdictOf }

/** null where the call is one of many; the name of the probe where it is that. Throws where it may not be made. */
const admit = async ({ options, knowledge, nextProbe }: Parts, service: string): Promise<string | null> => {
  await knowledge.refresh()
  const breaker = knowledge.of(service)
  if (breaker === null || breaker.state === 'closed') return null
  if (breaker.retryInMs <= 0) {
    const probe = nextProbe()
    // Without our database nobody can tell whether another has the probe.
    const claimed = await claimProbe(options.db, service, probe, options.probeSeconds).catch(() => false)
    if (claimed) {
      options.log('info', 'a service is tried again', { service, failures: breaker.failures })
      return probe
    }
    await knowledge.refresh({ now: true })
    if ((knowledge.of(service)?.state ?? 'closed') === 'closed') return null
  }
  options.count?.(service, 'refused')
  throw refusal(knowledge.of(service) ?? breaker)
}

/** A model may think for minutes: its probe stays this process's for as long as the process lives. */
const renew = ({ options }: Parts, service: string, probe: string): (() => void) => {
  const timer = setInterval(
    () => void renewProbe(options.db, service, probe, options.probeSeconds).catch(() => undefined),
    (options.probeSeconds * 1000) / 3,
  )
  timer.unref()
  return () => clearInterval(timer)
}

const noteOutcome = async (
  { options, knowledge }: Parts,
  service: string,
  verdict: Verdict,
  failure: Failure | undefined,
): Promise<void> => {
  const known = knowledge.of(service)
  try {
    if (verdict === 'ill') {
      options.count?.(service, 'failed')
      const opened = await countFailure(options.db, service, asLast(failure), options.settings())
      crashPoint('breaker.written')
      knowledge.learn(opened)
      if (opened?.state === 'open') sayOpened(options, opened)
    } else if (verdict === 'well' && known?.state === 'closed' && known.failures > 0) {
      await countSuccess(options.db, service)
      knowledge.learn({ ...known, failures: 0 })
    }
  } catch (error) {
    options.log('debug', 'how a service fares could not be written', { service, failure: failureOf(error) })
  }
}

const noteProbe = async (
  { options, knowledge }: Parts,
  service: string,
  probe: string,
  verdict: Verdict,
  failure: Failure | undefined,
): Promise<void> => {
  if (verdict === 'ill') options.count?.(service, 'failed')
  try {
    const came =
      verdict === 'ill' ? { of: verdict, failure: asLast(failure), settings: options.settings() } : { of: verdict }
    const after = await endProbe(options.db, service, probe, came)
    knowledge.learn(after)
    if (after?.state === 'closed') options.log('info', 'a service is back', { service })
    if (after?.state === 'open' && verdict === 'ill') sayOpened(options, after)
  } catch (error) {
    options.log('debug', 'how a service fares could not be written', { service, failure: failureOf(error) })
  }
}

const sayOpened = (options: Parts['options'], { service, failures, retryAt, lastFailure }: Breaker): void =>
  options.log('warn', 'a service is ill and is not called for a while', {
    service,
    failures,
    retryAt: retryAt?.toISOString(),
    failure: lastFailure,
  })

/** What is kept of a failure for people: its detail may be large, and says nothing more of the service. */
const asLast = (failure: Failure | undefined): Failure => ({
  code: failure?.code ?? 'unavailable',
  message: (failure?.message ?? 'It did not answer.').slice(0, 500),
})

const counter = (owner: string): (() => string) => {
  let made = 0
  return () => `${owner}#${++made}`
}
