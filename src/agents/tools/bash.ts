import { z } from 'zod'
import { shortenMiddle } from '../shorten-middle.ts'
import { answerFailure } from './answer-failure.ts'
import { answer, defineTool, maxResultCharacters, refusal, type Tool } from './tool.ts'

/**
 * Anthropic's own shell tool, without its memory: each command is a fresh shell in the work tree (the system prompt says
 * so), because a shell that lived on could not be resumed after a crash, nor ended with its whole process tree.
 */
export const bash: Tool = defineTool({
  definition: { type: 'bash_20250124', name: 'bash' },
  schema: z.object({ command: z.string().max(100_000).nullish(), restart: z.boolean().nullish() }),
  changesFiles: true,
  activity: (input) => `running \`${(input.command ?? 'restart').split('\n')[0]?.slice(0, 80)}\``,
  run: async (input, context) => {
    if (!input.command?.trim()) {
      return input.restart
        ? answer('There is nothing to restart: every command runs in a fresh shell, in the root of the repository.')
        : refusal('No command was given.')
    }
    const command = input.command
    return answerFailure(async () => {
      const result = await context.workspace.run({
        command,
        timeoutMs: context.commandTimeoutMs,
        signal: context.signal,
        maxOutputBytes: maxResultCharacters,
      })
      const output = shortenMiddle(
        result.output,
        maxResultCharacters,
        'Run it again with head, tail or grep to see them.',
      )
      return answer(
        [output.trimEnd() || '(no output)', ending(result, context.commandTimeoutMs)].filter(Boolean).join('\n'),
      )
    })
  },
})

/** No times in it: the same command with the same output gives the same words, which is how a repetition is seen. */
const ending = (
  result: { exitCode: number | null; signal: string | null; timedOut: boolean },
  timeoutMs: number,
): string => {
  if (result.timedOut) return `[The command was ended after ${timeoutMs / 1000} s, which is the limit.]`
  if (result.signal !== null) return `[The command was ended by ${result.signal}.]`
  return result.exitCode === 0 ? '' : `[exit code ${result.exitCode}]`
}
