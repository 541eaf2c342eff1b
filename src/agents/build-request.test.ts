import { describe, expect, it } from 'vitest'
import { fc } from '../../test/at-random.ts'
import type { AssistantBlock } from '../plugins/ai-provider/contract.ts'
import { buildRequest } from './build-request.ts'
import type { AgentOpening, ToolResult, Turn } from './contract.ts'
import { developmentRole } from './development/development-role.ts'

const opening: AgentOpening = {
  system: [{ type: 'text', text: 'You write code.' }],
  tools: developmentRole.tools.map((tool) => tool.definition),
  first: { role: 'user', content: [{ type: 'text', text: 'Do it.' }] },
}

const id = fc.stringMatching(/^toolu_[a-z0-9]{4}$/)
const block: fc.Arbitrary<AssistantBlock> = fc.oneof(
  fc.record({ type: fc.constant('text' as const), text: fc.string() }),
  fc.record({
    type: fc.constant('tool_use' as const),
    id,
    name: fc.constantFrom('bash', 'list'),
    input: fc.dictionary(fc.string({ maxLength: 6 }), fc.jsonValue()),
  }),
  fc.record({ type: fc.constant('thinking' as const), thinking: fc.string(), signature: fc.string() }),
)
const result: fc.Arbitrary<ToolResult> = fc.record({
  toolUseId: fc.oneof(id, fc.constant('')),
  content: fc.string().map((text) => `result ${text}`),
  isError: fc.boolean(),
})
const turn: fc.Arbitrary<Turn> = fc.record({
  ordinal: fc.nat(),
  model: fc.constant('big'),
  content: fc.array(block, { maxLength: 4 }),
  stopReason: fc.constant('tool_use'),
  results: fc.array(result, { maxLength: 25 }),
  snapshot: fc.constant('abc'),
  usage: fc.constant({ input: 1, output: 1, cacheRead: 0, cacheWrite: 0 }),
  cost: fc.constant(1),
})
const turns = fc.array(turn, { maxLength: 6 })

/** A request as its bytes go to the provider's cache: without the points, which are not part of what is cached. */
const prefixOf = (given: Turn[]): string => {
  const { system, tools, messages } = buildRequest(opening, given, 'big', 100)
  const json = JSON.stringify({ tools, system, messages }, (key, value) =>
    key === 'cache_control' ? undefined : value,
  )
  return json.slice(0, -']}'.length)
}

describe('the request of a turn', () => {
  it('begins with the bytes of the one before it', () => {
    fc.assert(
      fc.property(turns, turn, (given, next) => {
        expect(prefixOf([...given, next]).startsWith(prefixOf(given))).toBe(true)
      }),
    )
  })

  it('is the same from rows whose JSON came back in another order', () => {
    const turned = (given: Turn[]): Turn[] =>
      JSON.parse(JSON.stringify(given), (_, value) =>
        value && typeof value === 'object' && !Array.isArray(value)
          ? Object.fromEntries(Object.entries(value).reverse())
          : value,
      )
    fc.assert(
      fc.property(turns, (given) => {
        // A key called __proto__ does not come back from JSON.parse with a reviver as it went in; no tool has one.
        fc.pre(!JSON.stringify(given).includes('__proto__'))
        const plain = JSON.parse(JSON.stringify(given)) as Turn[]
        const once = JSON.stringify(buildRequest(opening, plain, 'big', 100))
        expect(JSON.stringify(buildRequest(opening, turned(plain), 'big', 100))).toBe(once)
      }),
    )
  })

  it('has at most four cache points, on the same places as the last request wrote and on its own end', () => {
    fc.assert(
      fc.property(turns, (given) => {
        const { system, messages } = buildRequest(opening, given, 'big', 100)
        const marked = messages.flatMap((message, index) =>
          message.content.some((each) => 'cache_control' in each) ? [index] : [],
        )
        const last = messages.length - 1
        expect(marked).toEqual([...new Set([0, Math.max(0, last - 2), last])].sort((a, b) => a - b))
        expect(system[0]).toHaveProperty('cache_control')
        expect(JSON.stringify({ system, messages }).split('"cache_control"').length - 1).toBeLessThanOrEqual(4)
      }),
    )
  })

  it('has no block that the API refuses: none without text, and an answer to every message', () => {
    fc.assert(
      fc.property(turns, (given) => {
        const { messages } = buildRequest(opening, given, 'big', 100)
        expect(messages.map((message) => message.role)).toEqual(
          messages.map((_, index) => (index % 2 === 0 ? 'user' : 'assistant')),
        )
        for (const message of messages) {
          expect(message.content.length).toBeGreaterThan(0)
          for (const each of message.content) if (each.type === 'text') expect(each.text.trim()).not.toBe('')
        }
      }),
    )
  })
})
