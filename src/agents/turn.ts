import { crashPoint } from '../domain/crash-point.ts'
import type { Turn } from './contract.ts'
import type { Conversation } from './conversation.ts'
import { wordsAfter } from './limits.ts'
import { changedFiles, runTools } from './run-tools.ts'

/** Runs the tools of the last of these turns and journals what came of them, with what else the model is to be told. */
export const finishTools = async (conversation: Conversation, turns: Turn[], timeUsed: number): Promise<void> => {
  const turn = turns.at(-1) as Turn
  const results = await runTools(conversation, turn)
  // Words depend on the results, repetition above all, so that the turn has them before it is journalled.
  turn.results = results
  const words = wordsAfter(turns, conversation.task.limits, timeUsed)
  turn.results = [...results, ...words.map((content) => ({ toolUseId: '', content, isError: false }))]
  await conversation.journal.toolsDone(turn.ordinal, turn.results)
}

/** Finishes a turn: the state of the work tree after it. A turn that can have changed nothing has that of the one before. */
export const recordSnapshot = async (conversation: Conversation, index: number): Promise<void> => {
  const { turns, workspace, journal, task } = conversation
  const turn = turns[index] as Turn
  const before = turns[index - 1]?.snapshot ?? null
  crashPoint('snapshot.before')
  const commit =
    before !== null && !changedFiles(conversation, turn)
      ? before
      : (await workspace.snapshot(`${task.role} turn ${turn.ordinal}`)).commit
  crashPoint('snapshot.after')
  await journal.snapshotTaken(turn.ordinal, commit)
  turn.snapshot = commit
  crashPoint('turn.after')
}
