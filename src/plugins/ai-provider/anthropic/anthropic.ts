import type Anthropic from '@anthropic-ai/sdk'
import { codeOf, JourneymanError } from '../../../domain/errors.ts'
import type { AiProvider, ModelRequest } from '../contract.ts'
import { errorOfConnection, errorOfStatus } from './classify-error.ts'
import { estimateRequestTokens } from './estimate-tokens.ts'
import { readAnswer } from './read-answer.ts'
import { type CallWatch, watchCall } from './watch-call.ts'

type AnthropicOptions = {
  apiKey: string
  baseUrl: string
  /** This long without an event ends a call. */
  stallSeconds: number
  /** This long ends a call whatever comes. */
  requestMinutes: number
}

/** Claude, by Anthropic's own SDK. The SDK is loaded at the first call, so that start-up does not wait for it. */
export const createAnthropic = (options: AnthropicOptions): AiProvider => {
  const limits = { stallMs: options.stallSeconds * 1000, totalMs: options.requestMinutes * 60_000 }
  const short = { stallMs: Math.min(limits.stallMs, 15_000), totalMs: Math.min(limits.totalMs, 30_000) }
  let loading: Promise<Sdk> | undefined
  const sdk = () => {
    loading ??= loadSdk(options)
    return loading
  }

  return {
    name: 'anthropic',
    complete: (request, signal, onProgress) =>
      watched(signal, limits, async (watch) => {
        const { client, rawEvents } = await sdk()
        const response = await client.messages
          .create({ ...bodyOf(request), max_tokens: request.maxOutputTokens, stream: true }, callOptions(watch, limits))
          .asResponse()
        watch.begun()
        return readAnswer(rawEvents(response), (event) => {
          watch.heard()
          if (event) onProgress?.(event)
        })
      }),
    countTokens: async (request, signal) => {
      try {
        return await watched(signal, short, async (watch) => {
          const { client } = await sdk()
          return (await client.messages.countTokens(bodyOf(request), callOptions(watch, short))).input_tokens
        })
      } catch (error) {
        if (signal.aborted) throw error
        return estimateRequestTokens(request)
      }
    },
    estimateTokens: estimateRequestTokens,
    check: async (signal) => {
      try {
        return await watched(signal, short, async (watch) => {
          const { client } = await sdk()
          const answer = await client.models.list({ limit: 1 }, callOptions(watch, short)).asResponse()
          return { account: answer.headers.get('anthropic-organization-id') ?? 'Anthropic' }
        })
      } catch (error) {
        // A gateway that has only the messages route has let the key through to say so.
        if (codeOf(error) === 'not_found') return { account: options.baseUrl }
        throw error
      }
    },
  }
}

type Sdk = {
  client: Anthropic
  rawEvents: (response: Response) => AsyncIterable<{ event: string | null; data: string }>
}

/** Everything the SDK would take from the environment is given, since the environment is read in config/ only. */
const loadSdk = async (options: AnthropicOptions): Promise<Sdk> => {
  const [{ default: Client }, { Stream }] = await Promise.all([
    import('@anthropic-ai/sdk'),
    import('@anthropic-ai/sdk/streaming'),
  ])
  const client = new Client({
    apiKey: options.apiKey,
    baseURL: options.baseUrl,
    webhookKey: null,
    maxRetries: 0,
    logLevel: 'off',
    openTelemetry: false,
  })
  return { client, rawEvents: (response) => Stream.rawEvents(response) }
}

/** The SDK has a clock of its own; ours ends the call first. */
const callOptions = (watch: CallWatch, limits: { totalMs: number }) => ({
  signal: watch.signal,
  timeout: limits.totalMs + 60_000,
})

const bodyOf = (request: ModelRequest) =>
  ({
    model: request.model,
    ...(request.tools.length > 0 && { tools: request.tools }),
    ...(request.toolChoice && { tool_choice: request.toolChoice }),
    ...(request.system.length > 0 && { system: request.system }),
    messages: request.messages,
  }) as Pick<Anthropic.MessageCreateParams, 'model' | 'tools' | 'tool_choice' | 'system' | 'messages'>

const watched = async <T>(
  signal: AbortSignal,
  limits: { stallMs: number; totalMs: number },
  call: (watch: CallWatch) => Promise<T>,
): Promise<T> => {
  const watch = watchCall(signal, limits)
  try {
    if (watch.signal.aborted) throw watch.reason()
    return await call(watch)
  } catch (error) {
    throw watch.reason() ?? translate(error)
  } finally {
    watch.end()
  }
}

/** The SDK's errors carry the status where there was one; without one there was no answer. */
const translate = (error: unknown): JourneymanError => {
  if (error instanceof JourneymanError) return error
  const { status, headers, error: body } = error as { status?: number; headers?: Headers; error?: unknown }
  if (typeof status === 'number') return errorOfStatus(status, headers ?? new Headers(), body)
  return errorOfConnection(error)
}
