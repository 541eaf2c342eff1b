import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { readBody } from '../http/read-body.ts'
import { hideAnswer, meetFault, takeFault } from '../http/take-fault.ts'
import type { Answered, apiAnswerer } from './answer-call.ts'
import { recordRequest } from './note-violation.ts'
import type { GitHubState } from './state.ts'

const maxBodyBytes = 25 * 1024 * 1024
const hourlyLimit = 5000

/** One REST request from the socket to the socket: recorded, met by the faults that were asked for, answered. */
export const handleApi = async (
  state: GitHubState,
  answer: ReturnType<typeof apiAnswerer>,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> => {
  const method = request.method ?? 'GET'
  const path = url.pathname
  const record = recordRequest(state, 'github', method, path)
  const fault = takeFault(state.faults, method, path)
  const bytes = await readBody(request, maxBodyBytes)
  const text = bytes?.toString() ?? ''
  record.body = readable(text)
  if (await meetFault(fault, response)) {
    if (fault?.kind === 'status') record.status = fault.status
    return
  }
  const { authorization, accept = '' } = request.headers
  const answered = await answer({ method, path, query: url.searchParams, authorization, accept, text })
  record.status = fault?.kind === 'after' ? fault.status : fault?.kind === 'drop_after' ? 0 : answered.answer.status
  if (!hideAnswer(fault, response)) write(response, answered)
}

const write = (response: ServerResponse, { answer, token }: Answered): void => {
  const used = token?.used ?? 0
  response.writeHead(answer.status, {
    'x-github-request-id': randomUUID(),
    'x-ratelimit-limit': String(hourlyLimit),
    'x-ratelimit-remaining': String(Math.max(hourlyLimit - used, 0)),
    'x-ratelimit-used': String(used),
    'x-ratelimit-reset': String(Math.floor(Date.now() / 1000) + 3600),
    'x-ratelimit-resource': 'core',
    ...(answer.body !== undefined && { 'content-type': 'application/json; charset=utf-8' }),
    ...(answer.text !== undefined && { 'content-type': 'text/plain; charset=utf-8' }),
    ...answer.headers,
  })
  response.end(answer.text ?? (answer.body === undefined ? '' : JSON.stringify(answer.body)))
}

const readable = (text: string): unknown => {
  if (text === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}
