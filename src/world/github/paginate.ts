import { type Answer, ok } from './answer.ts'
import type { Call } from './route.ts'

const defaultPerPage = 30
const maxPerPage = 100

/** One page of a list, with GitHub's Link header. `wrap` is for lists that come inside an object. */
export const paginate = <T>(
  call: Call,
  items: readonly T[],
  render: (item: T) => unknown,
  wrap: (page: unknown[]) => unknown = (page) => page,
): Answer => {
  const perPage = Math.min(Math.max(numberOf(call, 'per_page') ?? defaultPerPage, 1), maxPerPage)
  const page = Math.max(numberOf(call, 'page') ?? 1, 1)
  const last = Math.max(Math.ceil(items.length / perPage), 1)
  const body = wrap(items.slice((page - 1) * perPage, page * perPage).map(render))
  const link = linkHeader(call, page, last)
  return ok(body, link === '' ? {} : { link })
}

export const numberOf = (call: Call, name: string): number | null => {
  const text = call.query.get(name)
  return text === null || !/^\d+$/.test(text) ? null : Number(text)
}

const linkHeader = (call: Call, page: number, last: number): string => {
  const to = (target: number, rel: string): string => {
    const query = new URLSearchParams(call.query)
    query.set('page', String(target))
    return `<${call.state.apiUrl}${call.path}?${query}>; rel="${rel}"`
  }
  const links: string[] = []
  if (page > 1) links.push(to(page - 1, 'prev'))
  if (page < last) links.push(to(page + 1, 'next'), to(last, 'last'))
  if (page > 1) links.push(to(1, 'first'))
  return links.join(', ')
}
