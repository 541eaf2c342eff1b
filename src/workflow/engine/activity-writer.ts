import type { Claim } from '../../domain/run.ts'
import type { Db } from '../../store/database.ts'
import { setActivity } from '../../store/steps.ts'

/** What a step is doing now, for people: written at most once a second, the last one wins. */
export const createActivityWriter = (db: Db, claim: Claim) => {
  const waiting = new Map<string, { text: string; timer: NodeJS.Timeout }>()
  const flush = (address: string) => {
    const entry = waiting.get(address)
    waiting.delete(address)
    // Of no consequence: the next one, or the end of the step, says more.
    if (entry) setActivity(db, claim, address, entry.text).catch(() => undefined)
  }
  return {
    write: (address: string, text: string) => {
      const entry = waiting.get(address)
      if (entry) entry.text = text
      else waiting.set(address, { text, timer: setTimeout(flush, 1000, address).unref() })
    },
    forget: (address: string) => {
      clearTimeout(waiting.get(address)?.timer)
      waiting.delete(address)
    },
  }
}
