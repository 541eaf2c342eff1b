import { once } from 'node:events'
import { type IncomingMessage, request as open } from 'node:http'
import { createInterface } from 'node:readline'
import { errorOf, type Failure, JourneymanError } from '../domain/errors.ts'
import type { Operator } from './verbs.ts'

/** The way through a server's control socket; its protocol stands in src/api/control-socket.ts. */
export const createControlClient = (server: { address: string; version: string }, by: string): Operator => {
  const send = async (path: string, input: unknown, signal?: AbortSignal): Promise<IncomingMessage> => {
    const { address, version } = server
    const request = open({ socketPath: address, path, method: 'POST', ...(signal && { signal }) })
    request.end(JSON.stringify({ version, by, input }))
    try {
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      // Once it answers, what goes wrong is met where the answer is read.
      request.on('error', () => undefined)
      return response
    } catch (cause) {
      throw isUnsent(cause) ? gone(cause) : unanswered(cause)
    }
  }
  return {
    ask: async (name, input) => {
      const answer = readAnswer(await textOf(await send(`/ask/${name}`, input)))
      if ('output' in answer) return answer.output as never
      throw 'failure' in answer ? errorOf(answer.failure) : unanswered()
    },
    follow: async function* (name, input, signal) {
      try {
        const response = await send(`/follow/${name}`, input, signal)
        for await (const line of createInterface({ input: response })) {
          const answer = readAnswer(line)
          if ('failure' in answer) throw errorOf(answer.failure)
          if ('end' in answer) return
          yield answer.output as never
        }
      } catch (error) {
        if (signal?.aborted) return
        throw error instanceof JourneymanError ? error : gone(error)
      }
      if (!signal?.aborted) throw gone()
    },
  }
}

type Answer = { output: unknown } | { failure: Failure } | { end: true }

const readAnswer = (text: string): Answer => {
  try {
    const answer = JSON.parse(text) as Answer | null
    if (answer !== null && typeof answer === 'object') return answer
  } catch {
    // Said below.
  }
  throw unanswered()
}

const textOf = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
  } catch (cause) {
    throw unanswered(cause)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Nobody listened, or nobody had time to: it never came to a connection. */
const isUnsent = (cause: unknown): boolean =>
  cause instanceof Error && 'syscall' in cause && cause.syscall === 'connect'

const gone = (
  cause?: unknown,
  nextAction = 'Say the same again: without a server the command opens the database itself.',
): JourneymanError =>
  new JourneymanError('unavailable', 'The server that holds the data folder has gone away.', {
    nextAction,
    ...(cause !== undefined && { cause }),
  })

/** It had it in hand, and may have ended between the commit and the answer. */
const unanswered = (cause?: unknown): JourneymanError =>
  gone(cause, 'It may have been done all the same: look with "journeyman status" before you say the same again.')
