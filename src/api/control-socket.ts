import { once } from 'node:events'
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { dirname } from 'node:path'
import { codeOf, type Failure, failureOf, JourneymanError } from '../domain/errors.ts'
import { makePrivateFolder } from './control-address.ts'
import { statusOf } from './error-status.ts'

export type ControlParts = {
  address: string
  /** Commands of another version are refused: they may mean something else. */
  version: string
  ask: (verb: string, input: unknown, by: string) => Promise<unknown>
  follow: (verb: string, input: unknown, by: string, signal: AbortSignal) => AsyncIterable<unknown>
  log: (level: 'error', message: string, data?: Record<string, unknown>) => void
}

const longestBodyBytes = 4 * 1024 * 1024

/**
 * The command line's way to a server that holds the embedded database. JSON over HTTP on a socket that only its owner can
 * open, which is all the proof of identity that there is:
 *
 *   POST /ask/<verb>      { version, by, input }  ->  { output }, or a failure with its status
 *   POST /follow/<verb>   the same                ->  a line { output } for each answer, at last { end: true } or { failure }
 */
export const openControlSocket = async (parts: ControlParts): Promise<{ close: () => Promise<void> }> => {
  const leaving = new AbortController()
  const server = createServer((request, response) => {
    answer(parts, request, response, leaving.signal).catch((error: unknown) => {
      parts.log('error', 'a command met a defect', { error })
      response.destroy()
    })
  })
  await listen(server, parts.address)
  return {
    close: async () => {
      leaving.abort()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeIdleConnections()
      // What is being followed is told that it ends; what does not read it is not waited for.
      setTimeout(() => server.closeAllConnections(), 500).unref()
      await closed
      removeStale(parts.address)
    },
  }
}

/** Whoever listens here holds the lock of the data folder: a socket that is there is a dead server's. */
const listen = async (server: Server, address: string): Promise<void> => {
  if (!isPipe(address)) makePrivateFolder(dirname(address))
  removeStale(address)
  server.listen(address)
  await once(server, 'listening')
  if (!isPipe(address)) chmodSync(address, 0o600)
}

const removeStale = (address: string): void => {
  if (!isPipe(address)) rmSync(address, { force: true })
}

const isPipe = (address: string): boolean => address.startsWith('\\\\.\\pipe\\')

const answer = async (
  parts: ControlParts,
  request: IncomingMessage,
  response: ServerResponse,
  leaving: AbortSignal,
): Promise<void> => {
  try {
    const [, way, verb = ''] = (request.url ?? '').split('/')
    const asked = readAsked(await bodyOf(request), parts.version)
    if (request.method !== 'POST' || (way !== 'ask' && way !== 'follow')) throw nothingHere()
    if (way === 'follow') return await stream(parts, { verb, ...asked }, response, leaving)
    const output = await parts.ask(verb, asked.input, asked.by)
    send(response, 200, { output })
  } catch (error) {
    send(response, statusOf(codeOf(error)), { failure: tellable(parts, error) })
  }
}

const stream = async (
  parts: ControlParts,
  asked: { verb: string; input: unknown; by: string },
  response: ServerResponse,
  leaving: AbortSignal,
): Promise<void> => {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const write = (line: unknown) => void response.write(`${JSON.stringify(line)}\n`)
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  // At once, so that whoever follows knows that they do.
  response.flushHeaders()
  try {
    const answers = parts.follow(asked.verb, asked.input, asked.by, AbortSignal.any([leaving, gone.signal]))
    for await (const output of answers) {
      write({ output })
      if (response.writableNeedDrain) await Promise.race([once(response, 'drain'), once(response, 'close')])
    }
    if (leaving.aborted) throw new JourneymanError('shutting_down', 'The server is ending.')
    write({ end: true })
  } catch (error) {
    write({ failure: tellable(parts, error) })
  }
  response.end()
}

const tellable = (parts: ControlParts, error: unknown): Failure => {
  if (codeOf(error) !== 'internal') return failureOf(error)
  parts.log('error', 'a command met a defect', { error })
  return { code: 'internal', message: 'This is a defect of Journeyman; the log of the server says more.' }
}

const send = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
  response.end(JSON.stringify(body))
}

type Asked = { input: unknown; by: string }

const readAsked = (text: string, version: string): Asked => {
  const asked = parsed(text)
  if (asked?.version !== version) {
    throw new JourneymanError(
      'conflict',
      `The server that holds the data folder is version ${version}, and this command is version ${String(asked?.version)}.`,
      { nextAction: 'Use the command of the installation that runs, or start the server anew with this one.' },
    )
  }
  const { by } = asked
  if (typeof by !== 'string' || !/^operator:[^\p{C}\s]{1,64}$/u.test(by)) {
    throw new JourneymanError('invalid_input', 'The request does not say who asks.')
  }
  return { by, input: asked.input }
}

const parsed = (text: string): { version?: unknown; by?: unknown; input?: unknown } | null => {
  try {
    return JSON.parse(text)
  } catch {
    throw new JourneymanError('invalid_input', 'The request is no JSON.')
  }
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > longestBodyBytes) throw new JourneymanError('too_large', 'The request is too large.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const nothingHere = (): JourneymanError => new JourneymanError('not_found', 'There is nothing at this address.')
