import Anthropic from '@anthropic-ai/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RecordedRequest, Violation, WorldClaude } from '../contract.ts'
import { startClaude } from './start-claude.ts'

let claude: WorldClaude & { close: () => Promise<void> }
let client: Anthropic
let requests: RecordedRequest[]
let violations: Violation[]

beforeEach(async () => {
  requests = []
  violations = []
  claude = await startClaude({ requests, violations })
  client = new Anthropic({ apiKey: claude.apiKey, baseURL: claude.url, maxRetries: 0, logLevel: 'off' })
})
afterEach(() => claude.close())

const model = 'claude-sonnet-5'
const ask = (content: string) => ({ model, max_tokens: 500, messages: [{ role: 'user' as const, content }] })
const readTool = { name: 'read', description: 'Reads', input_schema: { type: 'object' as const } }
const use = (id: string) => ({ type: 'tool_use' as const, id, name: 'read', input: {} })
const result = (id: string) => ({ type: 'tool_result' as const, tool_use_id: id, content: 'text' })
const post = (body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${claude.url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': claude.apiKey, 'anthropic-version': '2023-06-01', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const errorOf = async (body: unknown) => {
  const response = await post(body)
  const answer = (await response.json()) as { type: string; error: { type: string; message: string } }
  return { status: response.status, kind: answer.type, ...answer.error }
}

describe('an answer', () => {
  it('streams text and tool input in pieces that add up, and counts the call as answered', async () => {
    const input = { path: 'src/ä😀.ts', text: 'long '.repeat(60) }
    claude.script = () => ({ text: 'I read the file first. '.repeat(5), tools: [{ name: 'read', input }] })
    const kinds: string[] = []
    const stream = client.messages.stream({ ...ask('Hello'), tools: [readTool] })
    stream.on('streamEvent', (event) => kinds.push(event.type))
    const message = await stream.finalMessage()
    expect(message.content[0]).toMatchObject({ type: 'text', text: 'I read the file first. '.repeat(5) })
    expect(message.content[1]).toMatchObject({ type: 'tool_use', name: 'read', input })
    expect(message.stop_reason).toBe('tool_use')
    expect(kinds.filter((kind) => kind === 'content_block_delta').length).toBeGreaterThan(8)
    expect([kinds[0], kinds.at(-2), kinds.at(-1)]).toEqual(['message_start', 'message_delta', 'message_stop'])
    const { input_tokens, output_tokens } = message.usage
    expect(claude.answered).toEqual([
      { model, turn: 0, usage: { input: input_tokens, output: output_tokens, cacheRead: 0, cacheWrite: 0 } },
    ])
    expect(violations).toEqual([])
    expect(requests).toMatchObject([{ service: 'claude', method: 'POST', path: '/v1/messages', status: 200 }])
  })

  it('is the same for the same conversation, and says how often it was asked', async () => {
    const repeats: number[] = []
    claude.script = ({ repeat }) => {
      repeats.push(repeat)
      return { tools: [{ name: 'read', input: {} }] }
    }
    const once = await client.messages.create({ ...ask('Hello'), tools: [readTool] })
    const again = await client.messages.create({ ...ask('Hello'), tools: [readTool] })
    expect(again.content).toEqual(once.content)
    expect(repeats).toEqual([0, 1])
  })

  it('gives the script the turn, the first message and the results with the names of their tools', async () => {
    let seen: unknown
    claude.script = (request) => {
      seen = request
      return { text: 'Done' }
    }
    await client.messages.create({
      ...ask('Fix it'),
      system: 'Be brief',
      tools: [readTool],
      messages: [
        { role: 'user', content: 'Fix it' },
        { role: 'assistant', content: [use('a')] },
        { role: 'user', content: [{ ...result('a'), is_error: true }] },
      ],
    })
    expect(seen).toMatchObject({
      model,
      system: 'Be brief',
      turn: 1,
      firstMessage: 'Fix it',
      lastToolResults: [{ name: 'read', content: 'text', isError: true }],
    })
  })

  it('ends at a stop sequence and at max_tokens', async () => {
    claude.script = () => ({ text: 'one two STOP three' })
    const stopped = await client.messages.create({ ...ask('Count'), stop_sequences: ['STOP'] })
    expect(stopped).toMatchObject({
      stop_reason: 'stop_sequence',
      stop_sequence: 'STOP',
      content: [{ text: 'one two ' }],
    })
    const cut = await client.messages.create({ ...ask('Count'), max_tokens: 2 })
    expect(cut).toMatchObject({
      stop_reason: 'max_tokens',
      content: [{ text: 'one two' }],
      usage: { output_tokens: 2 },
    })
  })

  it('counts tokens as it charges them, and lists its models', async () => {
    const { input_tokens } = await client.messages.countTokens({ model, messages: ask('How many?').messages })
    const message = await client.messages.create(ask('How many?'))
    expect(message.usage.input_tokens).toBe(input_tokens)
    const listed = []
    for await (const entry of client.models.list()) listed.push(entry.id)
    expect(listed).toContain(model)
    expect((await client.models.retrieve('claude-sonnet-5-20260901')).id).toBe(model)
  })
})

describe('what it refuses', () => {
  const user = { role: 'user', content: 'Hello' }
  const cached = { type: 'text', text: 'x', cache_control: { type: 'ephemeral' } }
  const base = { model, max_tokens: 10, messages: [user] }
  const asked = { role: 'assistant', content: [use('a'), use('b')] }
  const answered = (...ids: string[]) => ({ role: 'user', content: ids.map(result) })

  it.each([
    ['no max_tokens', { model, messages: [user] }, /^max_tokens: /],
    ['max_tokens of 0', { ...base, max_tokens: 0 }, /^max_tokens: /],
    ['max_tokens above the model', { ...base, max_tokens: 128_001 }, /maximum allowed number of output tokens/],
    ['no messages', { ...base, messages: [] }, /^messages: /],
    ['an unknown field', { ...base, stop: ['x'] }, /^stop: Extra inputs are not permitted/],
    [
      'an assistant first',
      { ...base, messages: [{ role: 'assistant', content: 'Hi' }, user] },
      /first message must use/,
    ],
    ['an assistant last', { ...base, messages: [user, { role: 'assistant', content: 'Hi' }] }, /prefill/],
    [
      'an empty text block',
      { ...base, messages: [{ role: 'user', content: [{ type: 'text', text: '' }] }] },
      /non-empty/,
    ],
    ['an empty message', { ...base, messages: [{ role: 'user', content: '' }] }, /non-empty/],
    ['five cache points', { ...base, system: [cached, cached, cached, cached, cached] }, /maximum of 4 .* Found 5/],
    ['an unknown tool type', { ...base, tools: [{ type: 'shell_2030', name: 'bash' }] }, /^tools\.0/],
    ['a vendor tool under another name', { ...base, tools: [{ type: 'bash_20250124', name: 'sh' }] }, /^tools\.0/],
    ['a tool name with a space', { ...base, tools: [{ ...readTool, name: 'a b' }] }, /^tools\.0\.name/],
    ['two tools of one name', { ...base, tools: [readTool, readTool] }, /must be unique/],
    [
      'a tool choice that is not there',
      { ...base, tools: [readTool], tool_choice: { type: 'tool', name: 'w' } },
      /not found/,
    ],
    [
      'an unanswered tool call',
      { ...base, tools: [readTool], messages: [user, asked, answered('a')] },
      /without `tool_result`.*: b\./,
    ],
    [
      'a result nobody asked for',
      { ...base, tools: [readTool], messages: [user, asked, answered('a', 'b', 'c')] },
      /unexpected `tool_use_id`.*: c\./,
    ],
    [
      'two results of one call',
      { ...base, tools: [readTool], messages: [user, asked, answered('a', 'b', 'b')] },
      /multiple `tool_result`/,
    ],
    [
      'a result behind text',
      {
        ...base,
        tools: [readTool],
        messages: [
          user,
          { role: 'assistant', content: [use('a')] },
          { role: 'user', content: [{ type: 'text', text: 'x' }, result('a')] },
        ],
      },
      /without `tool_result`/,
    ],
    ['tool calls without tools', { ...base, messages: [user, asked, answered('a', 'b')] }, /must define tools/],
    ['what is not JSON', '{"model":', /not valid JSON/],
  ])('%s is an invalid_request_error and a violation', async (_name, body, message) => {
    expect(await errorOf(body)).toMatchObject({
      status: 400,
      kind: 'error',
      type: 'invalid_request_error',
      message: expect.stringMatching(message),
    })
    expect(violations).toMatchObject([{ service: 'claude', side: 'request', path: '/v1/messages' }])
    expect(claude.answered).toEqual([])
  })

  it('merges neighbours of one role, as the vendor does', async () => {
    await client.messages.create({
      ...ask('a'),
      messages: [
        { role: 'user', content: 'a' },
        { role: 'user', content: 'b' },
      ],
    })
    expect(violations).toEqual([])
  })

  it('a wrong key, a missing version, an unknown model and an unknown route', async () => {
    expect((await post(base, { 'x-api-key': 'wrong' })).status).toBe(401)
    expect(violations).toEqual([])
    expect((await post(base, { 'anthropic-version': '' })).status).toBe(400)
    expect(await errorOf({ ...base, model: 'gpt-1' })).toMatchObject({ status: 404, type: 'not_found_error' })
    expect(
      (
        await fetch(`${claude.url}/v1/complete`, {
          headers: { 'x-api-key': claude.apiKey, 'anthropic-version': '2023-06-01' },
        })
      ).status,
    ).toBe(404)
    expect(violations.map((violation) => violation.path)).toEqual(['/v1/messages', '/v1/complete'])
  })

  it('what the given description refuses, although our rules accept it', async () => {
    await claude.close()
    const validateRequest = () => ['temperature: is not for this model']
    claude = await startClaude({ requests, violations, validateRequest, validateResponse: () => ['content: odd'] })
    expect(await errorOf(base)).toMatchObject({ status: 400, message: 'temperature: is not for this model' })
    expect(violations.map((violation) => violation.side)).toEqual(['request', 'response'])
  })

  it('a script that throws or breaks the tool choice is named as the culprit', async () => {
    claude.script = () => ({ text: 'No tool' })
    expect(await errorOf({ ...base, tools: [readTool], tool_choice: { type: 'any' } })).toMatchObject({
      status: 500,
      type: 'api_error',
      message: 'The script failed: it calls no tool although tool_choice is any',
    })
    expect(violations).toHaveLength(1)
  })
})

describe('the prompt cache', () => {
  const long = (text: string) => text.repeat(Math.ceil(4800 / text.length))
  const mark = { type: 'ephemeral' as const }
  const system = (text: string) => [{ type: 'text' as const, text, cache_control: mark }]
  const usageOf = async (body: Parameters<typeof client.messages.create>[0]) => {
    const { usage } = (await client.messages.create(body)) as Anthropic.Message
    return { read: usage.cache_read_input_tokens, write: usage.cache_creation_input_tokens, input: usage.input_tokens }
  }

  it('writes a marked prefix once and reads it from then on', async () => {
    const first = await usageOf({ ...ask('One'), system: system(long('rules ')) })
    const second = await usageOf({ ...ask('Two'), system: system(long('rules ')) })
    expect(first.read).toBe(0)
    expect(first.write).toBeGreaterThan(1024)
    expect(second).toEqual({ read: first.write, write: 0, input: first.input })
  })

  it('misses when one byte before the mark differs, or the model does', async () => {
    await usageOf({ ...ask('One'), system: system(long('rules ')) })
    expect((await usageOf({ ...ask('One'), system: system(`!${long('rules ')}`) })).read).toBe(0)
    expect((await usageOf({ ...ask('One'), model: 'claude-opus-5', system: system(long('rules ')) })).read).toBe(0)
  })

  it('leaves a prefix under the minimum uncached', async () => {
    await usageOf({ ...ask('One'), system: system('short') })
    expect(await usageOf({ ...ask('One'), system: system('short') })).toMatchObject({ read: 0, write: 0 })
  })

  it('reads a growing conversation up to its last mark, and no further back than twenty blocks', async () => {
    const block = (text: string) => ({ type: 'text' as const, text })
    const turns = (count: number) =>
      Array.from({ length: count }, (_, index) => block(`part ${index} ${long('word ')}`))
    const marked = (count: number) => [
      ...turns(count - 1),
      { ...(turns(count).at(-1) as Anthropic.TextBlockParam), cache_control: mark },
    ]
    const grow = (count: number) => usageOf({ ...ask(''), messages: [{ role: 'user', content: marked(count) }] })
    const two = await grow(2)
    const three = await grow(3)
    expect(three.read).toBe((two.write ?? 0) + (two.read ?? 0))
    expect((await grow(23)).read).toBe(0)
    expect((await grow(42)).read).toBeGreaterThan(0)
  })

  it('writes nothing for a call that was refused', async () => {
    claude.script = ({ repeat }) => (repeat === 0 ? { fault: { kind: 'status', status: 529 } } : { text: 'ok' })
    await expect(client.messages.create({ ...ask('One'), system: system(long('rules ')) })).rejects.toMatchObject({
      status: 529,
    })
    expect((await usageOf({ ...ask('One'), system: system(long('rules ')) })).read).toBe(0)
  })
})

describe('faults', () => {
  const streamed = async () => client.messages.stream(ask('Hello')).finalMessage()

  it("a status carries the vendor's error type and retry-after", async () => {
    claude.script = () => ({ fault: { kind: 'status', status: 429, retryAfter: '7' } })
    const failure = await streamed().catch((error: unknown) => error as InstanceType<typeof Anthropic.APIError>)
    expect(failure).toMatchObject({ status: 429, type: 'rate_limit_error' })
    expect((failure as { headers: Headers }).headers.get('retry-after')).toBe('7')
    expect([claude.calls, claude.answered.length]).toEqual([1, 0])
  })

  it('a cut stream ends without its last event', async () => {
    claude.script = () => ({ text: 'word '.repeat(100), fault: { kind: 'cut', afterEvents: 4 } })
    await expect(streamed()).rejects.toThrow()
    claude.script = () => ({ text: 'word', fault: { kind: 'cut', afterEvents: 1 } })
    await expect(client.messages.create(ask('Hello'))).rejects.toThrow()
    expect(claude.answered).toEqual([])
  })

  it('an error event after a 200', async () => {
    claude.script = () => ({ text: 'word', fault: { kind: 'error_event', type: 'overloaded_error', afterEvents: 2 } })
    await expect(streamed()).rejects.toThrow(/overloaded_error/)
    expect(claude.answered).toEqual([])
  })

  it('a drip comes byte by byte and can be left', async () => {
    claude.script = () => ({ text: 'word', fault: { kind: 'drip', msPerByte: 1 } })
    const response = await post({ ...ask('Hello'), stream: true })
    const first = await response.body?.getReader().read()
    expect(first?.value?.length).toBeLessThan(40)
  })

  it('a hang answers nothing until the client leaves', async () => {
    claude.script = () => ({ fault: { kind: 'hang' } })
    const leave = new AbortController()
    const answer = client.messages.create(ask('Hello'), { signal: leave.signal })
    while (claude.calls === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    leave.abort()
    await expect(answer).rejects.toThrow(/abort/i)
    expect(claude.answered).toEqual([])
  })

  it('an answer without usage was charged all the same', async () => {
    claude.script = () => ({ text: 'word', fault: { kind: 'no_usage' } })
    const response = await post({ ...ask('Hello'), stream: true })
    expect(await response.text()).not.toContain('"usage"')
    expect(claude.answered).toHaveLength(1)
  })

  it('a raw body is sent as it is', async () => {
    claude.script = () => ({ fault: { kind: 'raw', body: 'event: message_start\ndata: {"type":\n\n' } })
    expect(await (await post({ ...ask('Hello'), stream: true })).text()).toBe(
      'event: message_start\ndata: {"type":\n\n',
    )
  })

  it('a pace spreads the events', async () => {
    claude.pace = 1
    claude.script = () => ({ text: 'word' })
    expect((await streamed()).content[0]).toMatchObject({ text: 'word' })
  })
})
