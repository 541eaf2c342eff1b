import { createHash } from 'node:crypto'
import type { Turn } from './contract.ts'
import { toolCallsOf } from './run-tools.ts'

/**
 * How often the most repeated call of the last turn has been made with the same result. Looking again after a change is no
 * repetition, so that a call also counts as another once a new edit has been made; going back and forth between two edits
 * makes no new one, and is seen.
 */
export const repetitions = (turns: Turn[]): { count: number; call: string } => {
  const seen = new Map<string, number>()
  const edits = new Set<string>()
  let worst = { count: 0, call: '' }
  for (const turn of turns) {
    worst = { count: 0, call: '' }
    for (const { name, input, outcome } of outcomesOf(turn)) {
      const call = hash(name, JSON.stringify(input))
      const isEdit = outcome !== null && !outcome.isError && isEditing(name, input)
      if (isEdit) edits.add(call)
      const key = hash(call, outcome?.content ?? '', String(isEdit ? 0 : edits.size))
      const count = (seen.get(key) ?? 0) + 1
      seen.set(key, count)
      if (count > worst.count) worst = { count, call: name }
    }
  }
  return worst
}

const outcomesOf = (turn: Turn) =>
  toolCallsOf(turn).map((call) => ({
    name: call.name,
    input: call.input,
    outcome: turn.results?.find((result) => result.toolUseId === call.id) ?? null,
  }))

const isEditing = (name: string, input: unknown): boolean =>
  name === 'str_replace_based_edit_tool' && (input as { command?: unknown }).command !== 'view'

const hash = (...parts: string[]): string => {
  const sum = createHash('sha256')
  for (const part of parts) sum.update(`${part.length}:`).update(part)
  return sum.digest('base64')
}
