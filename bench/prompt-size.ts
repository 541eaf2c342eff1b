import type { TokenUsage } from '../src/domain/money.ts'
import type { Measurement, Result } from './measurement.ts'
import { runConversations } from './run-conversations.ts'

/** What every request carries before the first word about the ticket, and how much of what is sent is read from the cache. */
export const promptSize: Measurement = {
  name: 'prompt-size',
  measure: async (bench) => {
    const place = await bench.place('pglite')
    if (!place) return []
    const { lastRequest, usage } = await runConversations(bench, place, 1)
    return [sizeOf(lastRequest), shareOf(usage)]
  },
}

const charactersPerToken = 4
/** What the vendor states for the text that it adds for its own tools. */
const vendorTools: Record<string, number> = { text_editor_20250728: 700, bash_20250124: 245 }

const sizeOf = (request: Record<string, unknown>): Result => {
  const system = (request['system'] as { text: string }[]).map((block) => block.text).join('\n')
  const tools = request['tools'] as { type?: string }[]
  const vendor = tools.reduce((sum, tool) => sum + (vendorTools[tool.type ?? ''] ?? 0), 0)
  return {
    name: 'tokens of system prompt and tools, estimated',
    value: Math.ceil((system.length + JSON.stringify(tools).length) / charactersPerToken) + vendor,
    unit: 'tokens',
    floor: 3_000,
    goal: 3_000,
    better: 'lower',
    note: 'quoted: Claude Code 18,600, opencode 7,600, pi 1,500',
  }
}

const shareOf = (usage: TokenUsage[]): Result => {
  const later = usage.slice(1)
  const sum = (part: keyof TokenUsage): number => later.reduce((total, turn) => total + turn[part], 0)
  return {
    name: 'input read from the cache, from the second turn on',
    value: (100 * sum('cacheRead')) / (sum('input') + sum('cacheRead') + sum('cacheWrite')),
    unit: '%',
    floor: 94,
    goal: 94,
    better: 'higher',
    note: `${usage.length} turns, by the rules that the vendor documents`,
  }
}
