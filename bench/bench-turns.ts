import { submission } from '../src/agents/testing/agent-under-test.ts'
import type { ScriptedTurn } from '../src/world/contract.ts'

/** Where the agent of the bench works, and what stands there at first. */
export const benchFile = 'src/part-0/step.ts'
export const benchFileAtFirst = 'export const step = 0\n'

export const turnsOfConversation = 20

type Tool = { name: string; input: Record<string, unknown> }

const edit = (turn: number): Tool => ({
  name: 'str_replace_based_edit_tool',
  input: { command: 'str_replace', path: benchFile, old_str: `step = ${turn}`, new_str: `step = ${turn + 2}` },
})

/** Other words each time, since the same call with the same result would end the conversation. */
const command = (turn: number): Tool => ({
  name: 'bash',
  input: { command: `head -n ${10 + turn} src/part-1/file-1.ts` },
})

/** An edit, a command, an edit, …, and the work is handed in: each of them may have changed the tree. */
export const benchTurns: ScriptedTurn[] = Array.from({ length: turnsOfConversation }, (_, turn) => {
  const isLast = turn === turnsOfConversation - 1
  const tool = turn % 2 === 0 ? edit(turn) : command(turn)
  return {
    text: `Step ${turn + 1}: I look at what is there, and go on from it.`,
    tools: [isLast ? { name: 'submit', input: submission } : tool],
  }
})
