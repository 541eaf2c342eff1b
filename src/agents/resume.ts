import type { Turn } from './contract.ts'
import type { Conversation } from './conversation.ts'
import { repeatChanges } from './run-tools.ts'
import { finishTools, recordSnapshot } from './turn.ts'

/**
 * Brings a conversation that another worker left to where its next turn can be asked for. The work tree becomes what it was
 * after the last finished turn; the tools of the turns since are run again, and the model is not asked again. Results that
 * the journal has stay as they are, since the model may have seen them.
 */
export const resume = async (conversation: Conversation, timeUsed: () => number): Promise<void> => {
  const { turns, workspace, task } = conversation
  if (turns.length === 0) return
  const finished = turns.findLastIndex((turn) => turn.snapshot !== null)
  await workspace.restore(turns[finished]?.snapshot ?? task.startsFrom ?? workspace.baseSha)
  for (let index = finished + 1; index < turns.length; index++) {
    const turn = turns[index] as Turn
    if (turn.results === null) await finishTools(conversation, turns.slice(0, index + 1), timeUsed())
    else await repeatChanges(conversation, turn)
    await recordSnapshot(conversation, index)
  }
}
