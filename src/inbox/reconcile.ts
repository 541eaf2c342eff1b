import { codeOf, type ErrorCode, failureOf } from '../domain/errors.ts'
import type { MissedDelivery, VersionControl } from '../plugins/version-control/contract.ts'
import type { Database } from '../store/database.ts'
import { knownDeliveries } from '../store/deliveries.ts'
import { getMark, setMark } from '../store/marks.ts'

/** As many are asked for again in one round; the rest by the next. */
const mostRedeliveries = 100
/** Deliveries this young may still be on their way. */
const overlapSeconds = 120

/**
 * Finds the deliveries that never arrived, a process being down or the network gone, and asks the provider to send them
 * again. They come in by the ordinary door, so that they are checked, stored and acted upon like any other.
 */
export const createReconcile =
  (parts: {
    database: Database
    versionControl: VersionControl
    lookBackHours: () => number
    log: (level: 'info' | 'warn', message: string, data?: Record<string, unknown>) => void
  }) =>
  async (): Promise<{ looked: number; asked: number }> => {
    const { database, versionControl } = parts
    if (!versionControl.listDeliveries || !versionControl.redeliver) return { looked: 0, asked: 0 }
    const name = `reconcile.${versionControl.name}`
    const begun = new Date()
    const since = await sinceWhen(database, name, parts.lookBackHours())
    const listed = await versionControl.listDeliveries(since)
    const missing = await missingOf(database, versionControl.name, listed)
    for (const one of missing.slice(0, mostRedeliveries)) {
      const delivery = { delivery: one.deliveryId, type: one.type }
      try {
        await versionControl.redeliver(one.id)
        parts.log('info', 'a missed delivery is asked for again', delivery)
      } catch (error) {
        // One that is too old to be sent again must not stand before all the others for ever.
        if (!isOfOne(codeOf(error))) throw error
        parts.log('warn', 'a missed delivery cannot be had again', { ...delivery, failure: failureOf(error) })
      }
    }
    if (missing.length <= mostRedeliveries) {
      await setMark(database.db, name, { until: new Date(begun.getTime() - overlapSeconds * 1000).toISOString() })
    }
    return { looked: listed.length, asked: Math.min(missing.length, mostRedeliveries) }
  }

/** What the provider says of this delivery, and not of us or of itself. */
const isOfOne = (code: ErrorCode): boolean =>
  code === 'not_found' || code === 'invalid_input' || code === 'conflict' || code === 'forbidden'

const sinceWhen = async (database: Database, name: string, lookBackHours: number): Promise<Date> => {
  const mark = (await getMark(database.db, name)) as { until?: string } | null
  const earliest = Date.now() - lookBackHours * 3_600_000
  return new Date(Math.max(earliest, mark?.until ? Date.parse(mark.until) : 0))
}

/**
 * One try of each delivery is enough: the newest, and only when no try of it has reached us. What our own door does not take
 * has no row either: it would be asked for, and refused, in every round.
 */
const missingOf = async (database: Database, provider: string, listed: MissedDelivery[]): Promise<MissedDelivery[]> => {
  const known = await knownDeliveries(database.db, provider, [...new Set(listed.map((one) => one.deliveryId))])
  const newest = new Map<string, MissedDelivery>()
  for (const delivery of listed) {
    const seen = newest.get(delivery.deliveryId)
    if (!seen || seen.deliveredAt < delivery.deliveredAt) newest.set(delivery.deliveryId, delivery)
  }
  return [...newest.values()].filter((delivery) => !known.has(delivery.deliveryId) && !delivery.refused)
}
