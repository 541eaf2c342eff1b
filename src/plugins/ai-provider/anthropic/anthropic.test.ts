import { describe, expect, it } from 'vitest'
import { fc, times } from '../../../../test/at-random.ts'
import { failureOf } from '../../../domain/errors.ts'
import { aiProviderContract, request, type Serve } from '../contract-suite.ts'
import { createAnthropic } from './anthropic.ts'
import { errorOfStatus, retryAfter } from './classify-error.ts'
import { estimateTextTokens } from './estimate-tokens.ts'
import { startLoopbackClaude } from './loopback-claude.ts'
import { readAnswer } from './read-answer.ts'

const serve: Serve = async (behaviour, limits = {}) => {
  const server = await startLoopbackClaude(behaviour)
  const provider = createAnthropic({
    apiKey: 'key-under-test',
    baseUrl: server.url,
    stallSeconds: limits.stallSeconds ?? 5,
    requestMinutes: limits.requestMinutes ?? 1,
  })
  return { provider, bodies: server.bodies, close: server.close }
}

aiProviderContract('anthropic', serve)

describe('anthropic: its own protocol', () => {
  it('sends the request as it is, and once', async () => {
    const server = await startLoopbackClaude({ kind: 'refuse', as: 'overloaded' })
    const provider = createAnthropic({
      apiKey: 'key-under-test',
      baseUrl: server.url,
      stallSeconds: 5,
      requestMinutes: 1,
    })
    await provider.complete(request, new AbortController().signal).catch(failureOf)
    await server.close()
    expect(server.bodies).toEqual([
      {
        model: 'model-under-test',
        tools: request.tools,
        system: request.system,
        messages: request.messages,
        max_tokens: 100,
        stream: true,
      },
    ])
    expect(server.headers[0]).toMatchObject({
      authorization: 'Bearer key-under-test',
      'anthropic-version': expect.any(String),
    })
  })

  it('keeps its connection for the next call', async () => {
    const server = await startLoopbackClaude({ kind: 'answer', text: 'Hello' })
    const provider = createAnthropic({ apiKey: 'k', baseUrl: server.url, stallSeconds: 5, requestMinutes: 1 })
    for (let call = 0; call < 8; call++) await provider.complete(request, new AbortController().signal)
    await server.close()
    // Two and not one: the next call may come before the first connection has been put back.
    expect(server.connections()).toBeLessThanOrEqual(2)
  })

  it.each([
    [{ 'retry-after': '3' }, 3000],
    [{ 'retry-after': 'Thu, 01 Jan 1970 00:00:10 GMT' }, 9000],
    [{ 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 0],
    [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
    [{ 'retry-after': 'soon' }, null],
    [{}, null],
  ])('reads how long to wait from %o', (headers, expected) => {
    expect(retryAfter(new Headers(headers as Record<string, string>), 1000)).toBe(expected)
  })

  it.each([
    [502, '<html>bad gateway</html>', 'unavailable', 'unknown'],
    [504, undefined, 'timeout', 'unknown'],
    [503, { error: { type: 'api_error', message: 'down' } }, 'unavailable', 'free'],
    [529, undefined, 'overloaded', 'free'],
    [418, undefined, 'invalid_input', 'free'],
  ])('knows what HTTP %s means, and whether it can have cost something', (status, body, code, charge) => {
    expect(errorOfStatus(status, new Headers(), body)).toMatchObject({ code, detail: { charge } })
  })

  it('never crashes on a stream of nonsense: it answers or fails with a code', async () => {
    const types = [
      'message_start',
      'content_block_start',
      'content_block_delta',
      'message_delta',
      'message_stop',
      'error',
      'x',
    ]
    const event = fc.record({ event: fc.constantFrom(...types, null), data: fc.oneof(fc.json(), fc.string()) })
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 8 }), async (events) => {
        const failure = await readAnswer(stream(events), () => undefined).catch(failureOf)
        expect('code' in failure ? failure.code : 'answered').not.toBe('internal')
      }),
      { numRuns: times(300) },
    )
  })

  it('does not wait for a server that keeps the connection open after the end', async () => {
    const events = [
      { type: 'message_start', message: { model: 'm', usage: { input_tokens: 1, output_tokens: 1 } } },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } },
      { type: 'message_stop' },
    ]
    async function* open() {
      for (const event of events) yield { event: event.type, data: JSON.stringify(event) }
      await new Promise(() => undefined)
    }
    expect(await readAnswer(open(), () => undefined)).toMatchObject({ usage: { input: 1, output: 2 } })
  })
})

async function* stream<T>(events: T[]) {
  yield* events
}

describe('anthropic: the estimate', () => {
  // The vendor publishes no tokenizer. These are assumptions, on the dense side of what byte-pair encodings do.
  it.each([
    ['prose', 'The quick brown fox jumps over the lazy dog, and nobody is surprised by it any more.', 4],
    ['code', 'export const sum = (a: number, b: number): number => a + b\n'.repeat(10), 2.6],
    ['hexadecimal', 'd41d8cd98f00b204e9800998ecf8427e'.repeat(8), 1.5],
    ['base64', 'TG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFtZXQsIGNvbnNlY3RldHVy'.repeat(8), 1.3],
    ['digits', '3141592653589793238462643383279502884197'.repeat(4), 1.2],
    ['Chinese', '敏捷的棕色狐狸跳过了懒狗'.repeat(10), 0.7],
  ])('of %s is not too low', (_, text, charactersPerToken) => {
    const estimate = estimateTextTokens(text)
    expect(estimate).toBeGreaterThanOrEqual(text.length / charactersPerToken)
    expect(estimate).toBeLessThanOrEqual(Buffer.byteLength(text))
  })
})
