import type { z } from 'zod'
import type { ClaudeOptions, Exchange } from './exchange.ts'
import { findModel } from './models.ts'
import type { CachePlan, PromptCache } from './prompt-cache.ts'
import { type CountRequest, firstIssue } from './request-schema.ts'
import { breachOf } from './rules.ts'

export type Accepted<Request> = { request: Request; plan: CachePlan }

/**
 * Checks what came in against the shape, our rules and the vendor's description. A breach is answered as the vendor
 * would and noted; then the result is null. A model that does not exist is refused and is no breach.
 */
export const acceptRequest = <Request extends CountRequest>(
  exchange: Exchange,
  schema: z.ZodType<Request>,
  cache: PromptCache,
  validate: ClaudeOptions['validateRequest'],
): Accepted<Request> | null => {
  if (exchange.body === null) {
    exchange.refuse(413, 'Request exceeds the maximum size')
    return null
  }
  const refuse = (breach: string) => {
    exchange.violate('request', breach)
    exchange.refuse(400, breach)
    return null
  }
  if (exchange.body === undefined) return refuse('The request body is not valid JSON')
  const parsed = schema.safeParse(exchange.body)
  if (!parsed.success) return refuse(firstIssue(parsed.error))
  const [found] = validate?.(exchange) ?? []
  if (found !== undefined) return refuse(found)
  const request = parsed.data
  if (!findModel(request.model)) {
    exchange.refuse(404, `model: ${request.model}`)
    return null
  }
  const plan = cache.plan(request, Date.now())
  const breach = breachOf(request, plan.total)
  return breach === null ? { request, plan } : refuse(breach)
}
