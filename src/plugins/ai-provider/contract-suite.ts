import { afterEach, describe, expect, it } from 'vitest'
import { codeOf, type ErrorCode, failureOf } from '../../domain/errors.ts'
import type { AiProvider, ModelRequest } from './contract.ts'

/** What the service is made to do with the next requests. Each provider's test says it in its vendor's own protocol. */
export type Behaviour =
  | { kind: 'answer'; text?: string; tool?: { id: string; name: string; arguments: string }; usage?: null }
  | {
      kind: 'refuse'
      as:
        | 'rate_limited'
        | 'overloaded'
        | 'unavailable'
        | 'unauthenticated'
        | 'forbidden'
        | 'not_found'
        | 'too_large'
        | 'invalid_input'
      retryAfter?: string
    }
  | { kind: 'error_in_the_middle'; as: 'overloaded' | 'unavailable' }
  | { kind: 'cut' }
  | { kind: 'silence_in_the_middle' }
  | { kind: 'alive_without_end' }
  | { kind: 'byte_by_byte' }
  | { kind: 'no_sign_of_life' }
  | { kind: 'garbage' }
  | { kind: 'garbage_in_the_middle' }

export type Served = { provider: AiProvider; bodies: unknown[]; close: () => Promise<void> }

/** `stallSeconds` and `requestMinutes` as in the configuration, small. */
export type Serve = (
  behaviour: Behaviour,
  limits?: { stallSeconds?: number; requestMinutes?: number },
) => Promise<Served>

export const request: ModelRequest = {
  model: 'model-under-test',
  system: [{ type: 'text', text: 'Be brief.' }],
  tools: [{ name: 'look', description: 'Look', input_schema: { type: 'object', properties: {} } }],
  messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
  maxOutputTokens: 100,
}

/** What every AI provider must do, whatever its vendor's protocol is. */
export const aiProviderContract = (name: string, serve: Serve): void => {
  let served: Served | undefined
  const given = async (behaviour: Behaviour, limits?: Parameters<Serve>[1]): Promise<AiProvider> => {
    served = await serve(behaviour, limits)
    return served.provider
  }
  const failing = async (behaviour: Behaviour, limits?: Parameters<Serve>[1]) => {
    const provider = await given(behaviour, limits)
    return provider.complete(request, new AbortController().signal).then(
      (response) => expect.fail(`it answered: ${JSON.stringify(response)}`),
      (error: unknown) => failureOf(error),
    )
  }
  afterEach(() => served?.close())

  describe(`${name}: answers`, () => {
    it('gives text with its usage, and tells of its progress', async () => {
      const provider = await given({ kind: 'answer', text: 'Hello to you' })
      const progress: string[] = []
      const response = await provider.complete(request, new AbortController().signal, (event) =>
        progress.push(event.type),
      )
      expect(response.content).toEqual([{ type: 'text', text: 'Hello to you' }])
      expect(response.stopReason).toBe('end_turn')
      expect(response.usage).toEqual({ input: 11, output: 7, cacheRead: 5, cacheWrite: 3 })
      expect(progress).toContain('text')
    })

    it('gives a tool call with its arguments as an object', async () => {
      const provider = await given({ kind: 'answer', tool: { id: 'call_1', name: 'look', arguments: '{"at":"ü\\n"}' } })
      const response = await provider.complete(request, new AbortController().signal)
      expect(response.content).toEqual([{ type: 'tool_use', id: 'call_1', name: 'look', input: { at: 'ü\n' } }])
      expect(response.stopReason).toBe('tool_use')
    })

    it('says that usage is unknown when the service did not tell', async () => {
      const provider = await given({ kind: 'answer', text: 'x', usage: null })
      expect((await provider.complete(request, new AbortController().signal)).usage).toBeNull()
    })

    it.each(['{"at": "half', '', '[1]', '"text"', 'null'])(
      'survives arguments that are no object: %s',
      async (json) => {
        const provider = await given({ kind: 'answer', tool: { id: 'call_1', name: 'look', arguments: json } })
        const [block] = (await provider.complete(request, new AbortController().signal)).content
        const input = json === '' ? {} : { unreadable_arguments: json }
        expect(block).toEqual({ type: 'tool_use', id: 'call_1', name: 'look', input })
      },
    )

    it('keeps only the beginning of a megabyte of arguments', async () => {
      const json = JSON.stringify({ text: 'x'.repeat(1024 * 1024) })
      const provider = await given({ kind: 'answer', tool: { id: 'call_1', name: 'look', arguments: json } })
      const response = await provider.complete(request, new AbortController().signal)
      expect(JSON.stringify(response).length).toBeLessThan(10_000)
      expect(response.content[0]).toMatchObject({
        input: { unreadable_arguments: expect.stringContaining('{"text":"xxx') },
      })
    })
  })

  describe(`${name}: failures`, () => {
    const refusals: [Behaviour & { kind: 'refuse' }, ErrorCode][] = (
      [
        'rate_limited',
        'overloaded',
        'unavailable',
        'unauthenticated',
        'forbidden',
        'not_found',
        'too_large',
        'invalid_input',
      ] as const
    ).map((as) => [{ kind: 'refuse', as }, as])
    it.each(refusals)('%o is %s and costs nothing', async (behaviour, code) => {
      expect(await failing(behaviour)).toMatchObject({ code, detail: { charge: 'free' } })
    })

    it('passes on how long to wait', async () => {
      expect(await failing({ kind: 'refuse', as: 'rate_limited', retryAfter: '7' })).toMatchObject({
        retryAfterMs: 7000,
      })
    })

    it.each(['overloaded', 'unavailable'] as const)(
      '%s in the middle of an answer may have been charged',
      async (as) => {
        expect(await failing({ kind: 'error_in_the_middle', as })).toMatchObject({
          code: as,
          detail: { charge: 'unknown' },
        })
      },
    )

    it.each(['cut', 'garbage', 'garbage_in_the_middle'] as const)('%s is unavailable, charge unknown', async (kind) => {
      expect(await failing({ kind })).toMatchObject({ code: 'unavailable', detail: { charge: 'unknown' } })
    })

    it.each(['silence_in_the_middle', 'byte_by_byte'] as const)('%s ends as a stall', async (kind) => {
      expect(await failing({ kind }, { stallSeconds: 0.15 })).toMatchObject({ code: 'unavailable' })
    })

    it('an answer that is alive and never ends is ended by the limit of a request', async () => {
      const failure = await failing({ kind: 'alive_without_end' }, { stallSeconds: 5, requestMinutes: 0.005 })
      expect(failure.code).toBe('timeout')
    })

    it('no sign of life is a timeout', async () => {
      expect((await failing({ kind: 'no_sign_of_life' }, { stallSeconds: 0.15 })).code).toBe('timeout')
    })

    it('a service that is not there is unavailable and costs nothing', async () => {
      const provider = await given({ kind: 'answer', text: 'x' })
      await served?.close()
      const failure = await provider.complete(request, new AbortController().signal).catch(failureOf)
      expect(failure).toMatchObject({ code: 'unavailable', detail: { charge: 'free' } })
    })

    it('stops in the middle when it is told to', async () => {
      const provider = await given({ kind: 'silence_in_the_middle' }, { stallSeconds: 60 })
      const stop = new AbortController()
      const stopped = provider.complete(request, stop.signal, () => stop.abort()).catch(codeOf)
      expect(await stopped).toBe('stopped')
    })

    it('never shows the credential', async () => {
      const failure = await failing({ kind: 'refuse', as: 'unauthenticated' })
      expect(JSON.stringify(failure)).not.toContain('key-under-test')
    })
  })

  describe(`${name}: counting`, () => {
    it('counts by the service, and estimates not less when the service fails', async () => {
      const counted = await (await given({ kind: 'answer', text: 'x' })).countTokens(
        request,
        new AbortController().signal,
      )
      await served?.close()
      const provider = await given({ kind: 'refuse', as: 'unavailable' })
      const estimated = await provider.countTokens(request, new AbortController().signal)
      expect(estimated).toBeGreaterThanOrEqual(counted)
      expect(provider.estimateTokens(request)).toBe(estimated)
    })

    it('checks its credential', async () => {
      expect(
        (await (await given({ kind: 'answer', text: 'x' })).check(new AbortController().signal)).account,
      ).toBeTruthy()
      await served?.close()
      const provider = await given({ kind: 'refuse', as: 'unauthenticated' })
      expect(await provider.check(new AbortController().signal).catch(codeOf)).toBe('unauthenticated')
    })
  })
}
