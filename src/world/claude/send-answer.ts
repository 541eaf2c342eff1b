import type { ServerResponse } from 'node:http'
import { sleep } from '../../domain/clock.ts'
import type { ScriptedTurn } from '../contract.ts'
import type { ComposedMessage } from './compose-message.ts'
import { errorBody } from './error-body.ts'
import { encodeEvent, type StreamEvent, streamEvents, withoutUsage } from './stream-events.ts'

type Fault = NonNullable<ScriptedTurn['fault']>

type Sending = {
  response: ServerResponse
  fault: Fault | undefined
  paceMs: number
  /** Ends a pause when the client has gone or the world closes. */
  signal: AbortSignal
  /**
   * Called once an answer is sure to leave in full, which is what an account is charged for, and before its last byte
   * does: a client that has the end of an answer can rely on its having been counted.
   */
  answered: () => void
}

/** Sends an answer, with its fault. */
export const sendAnswer = async (message: ComposedMessage, stream: boolean, sending: Sending): Promise<void> => {
  const { fault, response, signal } = sending
  if (fault?.kind === 'hang') return waitForEnd(signal)
  response.writeHead(200, { 'content-type': stream ? 'text/event-stream; charset=utf-8' : 'application/json' })
  if (fault?.kind === 'raw') {
    response.end(fault.body)
    return
  }
  const usage = fault?.kind !== 'no_usage'
  if (stream) await sendStream(faulty(streamEvents(message, { usage }), fault), sending)
  else await sendWhole(JSON.stringify(withoutUsage(message, usage)), sending)
}

/** The events up to the fault, and the vendor's error event where that is the fault. */
const faulty = (events: StreamEvent[], fault: Fault | undefined): StreamEvent[] => {
  if (fault?.kind !== 'cut' && fault?.kind !== 'error_event') return events
  const sent = events.slice(0, fault.afterEvents)
  return fault.kind === 'cut' ? sent : [...sent, errorBody(fault.type, 'A scripted failure after the answer began')]
}

const sendStream = async (events: StreamEvent[], sending: Sending): Promise<void> => {
  const { fault, paceMs, response, signal } = sending
  const parts = events.map(encodeEvent)
  if (fault?.kind === 'drip') return drip(parts.join(''), fault.msPerByte, sending)
  const last = parts.pop() ?? ''
  for (const part of paceMs === 0 ? [parts.join('')] : parts) {
    response.write(part)
    if (paceMs > 0 && !(await paused(paceMs, signal))) return
  }
  if (fault?.kind === 'cut') return cut(response, last)
  if (fault?.kind !== 'error_event') sending.answered()
  response.end(last)
}

const sendWhole = async (body: string, sending: Sending): Promise<void> => {
  const { fault, response } = sending
  if (fault?.kind === 'drip') return drip(body, fault.msPerByte, sending)
  if (fault?.kind === 'cut' || fault?.kind === 'error_event') return cut(response, body.slice(0, body.length / 2))
  sending.answered()
  response.end(body)
}

const drip = async (text: string, msPerByte: number, { response, signal, answered }: Sending): Promise<void> => {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length - 1; at++) {
    response.write(bytes.subarray(at, at + 1))
    if (!(await paused(msPerByte, signal))) return
  }
  answered()
  response.end(bytes.subarray(-1))
}

/** What was written leaves first, then the connection goes without the last chunk. */
const cut = (response: ServerResponse, text: string): Promise<void> =>
  new Promise((resolve) => {
    response.write(text, () => {
      response.socket?.destroySoon()
      resolve()
    })
  })

const paused = (ms: number, signal: AbortSignal): Promise<boolean> =>
  sleep(ms, signal).then(
    () => true,
    () => false,
  )

const waitForEnd = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
