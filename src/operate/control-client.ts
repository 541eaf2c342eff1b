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
      throw gone(cause)
    }
  }
  return {
    ask: async (name, input) => {
      const answer = readAnswer(await textOf(await send(`/ask/${name}`, input)))
      if ('output' in answer) return answer.output as never
      throw 'failure' in answer ? errorOf(answer.failure) : gone()
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
  throw gone()
}

const textOf = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
  } catch (cause) {
    throw gone(cause)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const gone = (cause?: unknown): JourneymanError =>
  new JourneymanError('unavailable', 'The server that holds the data folder has gone away.', {
    nextAction: 'Say the same again: without a server the command opens the database itself.',
    ...(cause !== undefined && { cause }),
  })
