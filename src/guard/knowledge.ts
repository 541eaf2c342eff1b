import type { Breaker } from '../store/circuit-breakers.ts'

/** What one process knows of the breakers, at most so old. `retryInMs` has gone down since it was read. */
export type Knowledge = {
  /** Reads what is too old; one reading for all who ask at once. Never throws: what was known goes on counting. */
  refresh: (when?: { now: boolean }) => Promise<void>
  /** null for a service of which nothing bad is known. */
  of: (service: string) => Breaker | null
  /** Takes over what a statement of this process has just given. */
  learn: (breaker: Breaker | null) => void
}

export const createKnowledge = (read: () => Promise<Breaker[]>, refreshMs: number): Knowledge => {
  const known = new Map<string, { breaker: Breaker; readAt: number }>()
  let readAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | null = null

  const readAll = async (): Promise<void> => {
    // Before the question is sent: what comes is never taken for younger than it is.
    const askedAt = performance.now()
    const breakers = await read().catch(() => null)
    readAt = askedAt
    if (breakers === null) return
    known.clear()
    for (const breaker of breakers) known.set(breaker.service, { breaker, readAt: askedAt })
  }

  return {
    refresh: async ({ now } = { now: false }) => {
      if (!now && performance.now() - readAt < refreshMs) return
      reading ??= readAll().finally(() => {
        reading = null
      })
      await reading
    },
    of: (service) => {
      const entry = known.get(service)
      if (!entry) return null
      const { breaker } = entry
      return { ...breaker, retryInMs: Math.max(0, breaker.retryInMs - (performance.now() - entry.readAt)) }
    },
    learn: (breaker) => {
      if (breaker) known.set(breaker.service, { breaker, readAt: performance.now() })
    },
  }
}
