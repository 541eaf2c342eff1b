import { type Answer, notFound, ok, refused } from '../answer.ts'
import { numberOf } from '../paginate.ts'
import { renderTime } from '../render/text.ts'
import { appRoute, type Call, type Route } from '../route.ts'
import { redeliver } from '../send-delivery.ts'
import type { DeliveryState } from '../state.ts'

const defaultPerPage = 30
const maxPerPage = 100

export const deliveryRoutes: Route[] = [
  appRoute('GET /app/hook/deliveries', (call) => list(call)),
  appRoute('GET /app/hook/deliveries/{delivery_id}', (call) => {
    const delivery = deliveryOf(call)
    return delivery === undefined ? notFound() : ok(renderInFull(delivery))
  }),
  appRoute('POST /app/hook/deliveries/{delivery_id}/attempts', (call) => {
    const delivery = deliveryOf(call)
    if (delivery === undefined) return notFound()
    // GitHub accepts it and sends it on its own time.
    redeliver(call.state, delivery).catch(() => {})
    return { status: 202, body: {} }
  }),
]

const deliveryOf = (call: Call): DeliveryState | undefined =>
  call.state.deliveries.find((each) => each.id === Number(call.parameters['delivery_id']))

/** Newest first; the way to the next page is a cursor in the Link header, not a page number. */
const list = (call: Call): Answer => {
  const perPage = Math.min(Math.max(numberOf(call, 'per_page') ?? defaultPerPage, 1), maxPerPage)
  const cursor = call.query.get('cursor')
  const before = cursor === null ? Number.POSITIVE_INFINITY : cursorId(cursor)
  if (Number.isNaN(before)) return refused(422, 'The cursor is not one that was given out.')
  const wanted = call.query.get('status')
  const found = call.state.deliveries
    .filter((each) => each.id < before)
    .filter((each) => wanted === null || (wanted === 'success') === isSuccess(each))
    .reverse()
  const page = found.slice(0, perPage)
  const last = page.at(-1)
  if (last === undefined || found.length <= perPage) return ok(page.map(render))
  const query = new URLSearchParams(call.query)
  query.set('cursor', `v1_${last.id}`)
  return ok(page.map(render), { link: `<${call.state.apiUrl}${call.path}?${query}>; rel="next"` })
}

const cursorId = (cursor: string): number => Number(/^v1_(\d+)$/.exec(cursor)?.[1] ?? Number.NaN)

const isSuccess = (delivery: DeliveryState): boolean => delivery.statusCode >= 200 && delivery.statusCode < 400

const render = (delivery: DeliveryState) => ({
  id: delivery.id,
  guid: delivery.guid,
  delivered_at: renderTime(delivery.deliveredAt),
  redelivery: delivery.redelivery,
  duration: delivery.durationSeconds,
  status: isSuccess(delivery) ? 'OK' : `Invalid HTTP Response: ${delivery.statusCode}`,
  status_code: delivery.statusCode,
  event: delivery.event,
  action: delivery.action,
  installation_id: delivery.installationId,
  repository_id: delivery.repositoryId,
  throttled_at: null,
})

const renderInFull = (delivery: DeliveryState) => ({
  ...render(delivery),
  url: '',
  request: { headers: delivery.headers, payload: parsed(delivery.body) },
  response: { headers: {}, payload: delivery.answer },
})

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body) as unknown
  } catch {
    return {}
  }
}
