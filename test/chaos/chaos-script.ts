import type { Script, ScriptedTurn } from '../../src/world/contract.ts'

/** When the model was asked for which turn of which issue: the other end of what the rows say. */
export type Asked = { issue: string; turn: number; at: number }

const turns: ScriptedTurn[] = [
  { text: 'I write.', tools: [{ name: 'bash', input: { command: 'echo one >> notes.txt' } }] },
  { text: 'And more.', tools: [{ name: 'bash', input: { command: 'echo two >> notes.txt' } }] },
  {
    text: 'I hand it in.',
    tools: [
      {
        name: 'submit',
        input: {
          summary: 'Notes.',
          title: 'docs: notes',
          description: 'There are notes now.',
          commit_message: 'docs: notes',
          files: [{ path: 'notes.txt', note: 'two lines' }],
          tests: [],
          criteria: [],
          breaking_changes: [],
          not_done: [],
        },
      },
    ],
  },
]

/** Two turns of work and one that hands in; what is asked is written down. */
export const chaosScript =
  (asked: Asked[]): Script =>
  ({ turn, firstMessage }) => {
    asked.push({ issue: /issue-mark-(\w+)/.exec(firstMessage)?.[1] ?? '', turn, at: Date.now() })
    return turns[Math.min(turn, turns.length - 1)] as ScriptedTurn
  }
