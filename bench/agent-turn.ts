import { turnsOfConversation } from './bench-turns.ts'
import type { Measurement, Result } from './measurement.ts'
import { runConversations } from './run-conversations.ts'
import { onEachDatabase } from './start-bench-app.ts'
import { median } from './statistics.ts'

/** What Journeyman itself takes of a turn: journal, money, snapshot, sandbox and tools, and a model that takes no time. */
export const agentTurn: Measurement = {
  name: 'agent-turn',
  measure: async (bench) => {
    const bare: number[] = []
    const results: Result[] = await onEachDatabase(bench, async (place, name) => {
      const found = await runConversations(bench, place, bench.rounds(5))
      bare.push(...found.bare)
      return {
        name: `own time of an agent's turn on ${name}`,
        value: median(found.ours),
        unit: 'ms',
        floor: 40,
        goal: 20,
        better: 'lower',
        note: `${turnsOfConversation} turns, ${found.ours.length} runs; ${(median(found.ours) / median(found.bare)).toFixed(1)} times the bare loop beside it, ${median(found.bare).toFixed(1)} ms`,
      }
    })
    const loop: Result = {
      name: 'the same by a bare loop on the SDK',
      value: median(bare),
      unit: 'ms',
      floor: null,
      goal: null,
      better: 'lower',
      note: 'elsewhere, same work: pi 12, Claude Code 38 to 51, Codex 55, opencode 174',
    }
    return [...results, loop]
  },
}
