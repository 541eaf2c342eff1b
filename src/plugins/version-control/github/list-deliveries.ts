import type { GitHubClient } from '../../github-client/github-client.ts'
import type { MissedDelivery } from '../contract.ts'
import { deliveries } from './schema.ts'

/** A hundred a page: what GitHub delivered in the last hours, and no more than this. */
const maxPages = 20

/**
 * What GitHub tried to deliver since then, newest first, one entry for each delivery whatever number of attempts it took;
 * it is well when any of them was.
 */
export const listDeliveries = async (asApp: GitHubClient['asApp'], since: Date): Promise<MissedDelivery[]> => {
  const found = new Map<string, MissedDelivery>()
  let cursor: string | undefined
  for (let page = 0; page < maxPages; page++) {
    const parameters = { per_page: 100, ...(cursor !== undefined && { cursor }) }
    const { data, link } = await asApp('GET /app/hook/deliveries', parameters, deliveries)
    const recent = data.filter((entry) => Date.parse(entry.delivered_at) >= since.getTime())
    for (const entry of recent) {
      const known = found.get(entry.guid)
      const ok = entry.status_code >= 200 && entry.status_code < 300
      if (known) known.ok ||= ok
      else found.set(entry.guid, missedOf(entry, ok))
    }
    cursor = cursorOf(link)
    if (cursor === undefined || recent.length < data.length) break
  }
  return [...found.values()]
}

const missedOf = (entry: (typeof deliveries)['_output'][number], ok: boolean): MissedDelivery => ({
  id: entry.id,
  deliveryId: entry.guid,
  type: entry.action === null ? entry.event : `${entry.event}.${entry.action}`,
  deliveredAt: new Date(entry.delivered_at),
  ok,
  refused: notTaken.has(entry.status_code),
})

/** Of the body: malformed, too large. All else (no secret yet, a proxy that is closed) may be mended. */
const notTaken: ReadonlySet<number> = new Set([400, 413])

const cursorOf = (link: string): string | undefined => {
  const next = /<([^<>]+)>; rel="next"/.exec(link)?.[1]
  return next === undefined ? undefined : (new URL(next).searchParams.get('cursor') ?? undefined)
}
