import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RecordedRequest, Violation } from '../contract.ts'
import { errorBody, errorTypeOf } from './error-body.ts'

export type ClaudeOptions = {
  requests: RecordedRequest[]
  violations: Violation[]
  /** The vendor's description of a request: what does not fit, as sentences. Our own rules are checked in any case. */
  validateRequest?: (request: { method: string; path: string; query: URLSearchParams; body: unknown }) => string[]
  /** The same of an answer; a streamed one is given as the message that its events add up to. */
  validateResponse?: (answer: { method: string; path: string; status: number; body: unknown }) => string[]
}

/** One request and the way to answer it. Every way out goes through here, so that all are recorded and validated. */
export type Exchange = {
  method: string
  path: string
  query: URLSearchParams
  body: unknown
  response: ServerResponse
  violate: (side: Violation['side'], message: string) => void
  validate: (status: number, body: unknown) => void
  send: (status: number, body: unknown, headers?: Record<string, string>) => void
  refuse: (status: number, message: string) => void
}

/** The vendor refuses larger bodies. */
const maxBodyBytes = 32 * 1024 * 1024

/** Reads a request to its end and records it. The body is undefined when it is not JSON, null when it is too large. */
export const openExchange = async (
  request: IncomingMessage,
  response: ServerResponse,
  options: ClaudeOptions,
): Promise<Exchange> => {
  const method = request.method ?? 'GET'
  const [path = '/', search = ''] = (request.url ?? '/').split('?')
  const record: RecordedRequest = { service: 'claude', method, path, status: 0, at: Date.now(), body: undefined }
  options.requests.push(record)
  const writeHead = response.writeHead.bind(response)
  response.writeHead = ((status: number, headers: Record<string, string>) => {
    record.status = status
    return writeHead(status, headers)
  }) as typeof response.writeHead
  const violate: Exchange['violate'] = (side, message) =>
    options.violations.push({ service: 'claude', side, method, path, message })
  const validate: Exchange['validate'] = (status, body) => {
    for (const message of options.validateResponse?.({ method, path, status, body }) ?? []) violate('response', message)
  }
  const send: Exchange['send'] = (status, body, headers = {}) => {
    validate(status, body)
    const id = (body as { request_id?: string }).request_id
    response.writeHead(status, {
      'content-type': 'application/json',
      ...(id !== undefined && { 'request-id': id }),
      ...headers,
    })
    response.end(JSON.stringify(body))
  }
  const refuse: Exchange['refuse'] = (status, message) => send(status, errorBody(errorTypeOf(status), message))
  record.body = parsed(await readBody(request))
  return {
    method,
    path,
    query: new URLSearchParams(search),
    body: record.body,
    response,
    violate,
    validate,
    send,
    refuse,
  }
}

const readBody = async (request: IncomingMessage): Promise<string | null> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length
    // What is too large is read on and dropped, so that the refusal reaches a client that is still sending.
    if (bytes <= maxBodyBytes) chunks.push(chunk as Buffer)
  }
  return bytes > maxBodyBytes ? null : Buffer.concat(chunks).toString('utf8')
}

const parsed = (text: string | null): unknown => {
  if (text === null) return null
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
