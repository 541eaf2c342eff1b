import type { WorldGitHub } from '../contract.ts'
import { completePayload, type Payload } from './complete-payload.ts'
import { noteViolation } from './note-violation.ts'
import { type Outgoing, sendDelivery } from './send-delivery.ts'
import type { GitHubState } from './state.ts'

type Options = NonNullable<Parameters<WorldGitHub['deliver']>[2]>
type Delivered = Awaited<ReturnType<WorldGitHub['deliver']>>

/** A webhook with this payload, completed; its vendor's description is asked first, and what it refuses is noted. */
export const deliverEvent = async (
  state: GitHubState,
  event: string,
  given: Payload,
  options: Options = {},
): Promise<Delivered> => {
  const { payload, ...ids } = await completePayload(state, event, given)
  return deliverPayload(state, event, payload, ids, options)
}

/** A webhook whose payload is complete already. */
export const deliverPayload = async (
  state: GitHubState,
  event: string,
  payload: Payload,
  ids: Pick<Outgoing, 'repositoryId' | 'installationId'>,
  options: Options = {},
): Promise<Delivered> => {
  // A raw body is sent to see how it is taken: it is meant to be wrong.
  if (options.body === undefined) await judge(state, event, payload)
  const delivery = await sendDelivery(state, {
    ...ids,
    event,
    action: typeof payload['action'] === 'string' ? payload['action'] : null,
    body: options.body ?? JSON.stringify(payload),
    ...(options.guid !== undefined && { guid: options.guid }),
    ...(options.secret !== undefined && { secret: options.secret }),
    ...(options.headers !== undefined && { headers: options.headers }),
  })
  return { status: delivery.statusCode, body: delivery.answer, guid: delivery.guid }
}

const judge = async (state: GitHubState, event: string, payload: Payload): Promise<void> => {
  const validator = await state.webhookValidator()
  const problems = validator?.payload(event, payload) ?? []
  if (problems.length > 0) noteViolation(state, 'response', 'WEBHOOK', event, problems)
}
