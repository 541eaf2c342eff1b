import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Behaviour } from '../contract-suite.ts'

type LoopbackClaude = {
  url: string
  bodies: unknown[]
  headers: IncomingMessage['headers'][]
  connections: () => number
  close: () => Promise<void>
}

/** A server on loopback that speaks as much of Anthropic's protocol as the tests of this plugin need. */
export const startLoopbackClaude = async (behaviour: Behaviour): Promise<LoopbackClaude> => {
  let connections = 0
  const bodies: unknown[] = []
  const headers: IncomingMessage['headers'][] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    bodies.push(chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : null)
    headers.push(request.headers)
    behave(behaviour, request.url ?? '', response)
  })
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  }
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, bodies, headers, connections: () => connections, close }
}

const behave = (behaviour: Behaviour, url: string, response: ServerResponse): void => {
  if (behaviour.kind === 'no_sign_of_life') return
  if (behaviour.kind === 'refuse') refuse(behaviour, response)
  else if (url.startsWith('/v1/models')) json(response, 200, { data: [], has_more: false })
  else if (url.startsWith('/v1/messages/count_tokens')) json(response, 200, { input_tokens: 21 })
  else {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    stream(behaviour, response)
  }
}

const errors: Record<(Behaviour & { kind: 'refuse' })['as'], [number, string]> = {
  rate_limited: [429, 'rate_limit_error'],
  overloaded: [529, 'overloaded_error'],
  unavailable: [500, 'api_error'],
  unauthenticated: [401, 'authentication_error'],
  forbidden: [403, 'permission_error'],
  not_found: [404, 'not_found_error'],
  too_large: [413, 'request_too_large'],
  invalid_input: [400, 'invalid_request_error'],
}

const refuse = (behaviour: Behaviour & { kind: 'refuse' }, response: ServerResponse): void => {
  const [status, type] = errors[behaviour.as]
  if (behaviour.retryAfter !== undefined) response.setHeader('retry-after', behaviour.retryAfter)
  json(response, status, { type: 'error', error: { type, message: 'so it is' } })
}

const json = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

type Answer = Behaviour & { kind: 'answer' }

const stream = (behaviour: Behaviour, response: ServerResponse): void => {
  const send: Send = (type, more = {}) => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`)
  }
  if (behaviour.kind === 'answer') answer(behaviour, send, response)
  else if (behaviour.kind === 'garbage') response.end('<html>nothing here</html>')
  else {
    begin(send)
    send('content_block_start', { index: 0, content_block: { type: 'text', text: '' } })
    send('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'He' } })
    breakOff(behaviour, send, response)
  }
}

const breakOff = (behaviour: Behaviour, send: Send, response: ServerResponse): void => {
  if (behaviour.kind === 'cut') response.socket?.end()
  if (behaviour.kind === 'garbage_in_the_middle') response.end('event: content_block_delta\ndata: {"type": "con\n\n')
  if (behaviour.kind === 'error_in_the_middle') {
    const error = { type: errors[behaviour.as][1], message: 'so it is' }
    response.end(`event: error\ndata: ${JSON.stringify({ type: 'error', error })}\n\n`)
  }
  if (behaviour.kind === 'alive_without_end') every(response, 20, () => send('ping'))
  if (behaviour.kind === 'byte_by_byte') every(response, 20, () => response.write('x'))
}

const every = (response: ServerResponse, ms: number, act: () => void): void => {
  const timer = setInterval(act, ms)
  response.on('close', () => clearInterval(timer))
}

type Send = (type: string, more?: object) => void

const wholeUsage = { input_tokens: 11, output_tokens: 1, cache_read_input_tokens: 5, cache_creation_input_tokens: 3 }

const begin = (send: Send, usage: object = { usage: wholeUsage }): void =>
  send('message_start', {
    message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'model-under-test', content: [], ...usage },
  })

const answer = (behaviour: Answer, send: Send, response: ServerResponse): void => {
  begin(send, behaviour.usage === null ? {} : undefined)
  send('ping')
  send('a_kind_of_event_from_the_future', { what: 'ever' })
  const block = behaviour.tool
    ? { type: 'tool_use', id: behaviour.tool.id, name: behaviour.tool.name, input: {} }
    : { type: 'text', text: '' }
  send('content_block_start', { index: 0, content_block: block })
  for (const piece of pieces(behaviour.tool?.arguments ?? behaviour.text ?? '')) {
    const delta = behaviour.tool
      ? { type: 'input_json_delta', partial_json: piece }
      : { type: 'text_delta', text: piece }
    send('content_block_delta', { index: 0, delta })
  }
  send('content_block_stop', { index: 0 })
  const usage = behaviour.usage === null ? {} : { usage: { output_tokens: 7 } }
  send('message_delta', { delta: { stop_reason: behaviour.tool ? 'tool_use' : 'end_turn' }, ...usage })
  send('message_stop')
  response.end()
}

const pieces = (text: string): string[] => {
  const size = Math.max(3, Math.ceil(text.length / 50))
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
    text.slice(index * size, (index + 1) * size),
  )
}
