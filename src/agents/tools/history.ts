import { z } from 'zod'
import type { History } from '../../workspace/contract.ts'
import { shortenMiddle } from '../shorten-middle.ts'
import { answerFailure } from './answer-failure.ts'
import { answer, defineTool, inputSchemaOf, maxResultCharacters, refusal, type Tool } from './tool.ts'
import { workTreePath } from './work-tree-path.ts'

const schema = z.object({
  command: z.enum(['log', 'show', 'blame', 'diff']).describe('diff: your changes so far'),
  path: z.string().max(1000).optional().describe('Needed by blame'),
  commit: z.string().max(100).optional().describe('Needed by show'),
  from: z.int().min(1).optional().describe('blame: first line'),
  to: z.int().min(1).optional().describe('blame: last line'),
  limit: z.int().min(1).max(100).optional().describe('log: default 20'),
})
type Input = z.infer<typeof schema>

/** There is no git in the sandbox: history is read by the host, over the run's own objects. */
export const history: Tool = defineTool({
  definition: {
    name: 'history',
    description: 'Read git history. There is no git in the shell.',
    input_schema: inputSchemaOf(schema),
  },
  schema,
  changesFiles: false,
  activity: (input) => `reading the history${input.path ? ` of \`${input.path}\`` : ''}`,
  run: (input, context) =>
    answerFailure(async () => {
      const path = input.path === undefined ? undefined : workTreePath(input.path, context.workspace)
      const text = await read(context.workspace.history, input, path)
      if (text === null) return refusal(input.command === 'show' ? '`show` needs a commit.' : '`blame` needs a path.')
      return answer(
        shortenMiddle(text.trimEnd() || '(nothing)', maxResultCharacters, 'Ask for one path, or for fewer lines.'),
      )
    }),
})

const read = async (git: History, input: Input, path: string | undefined): Promise<string | null> => {
  if (input.command === 'log') return git.log({ ...(path !== undefined && { path }), limit: input.limit ?? 20 })
  if (input.command === 'diff') return git.diff()
  if (input.command === 'show') return input.commit === undefined ? null : git.show(input.commit, path)
  const from = input.from ?? 1
  return path === undefined ? null : git.blame(path, from, Math.max(from, input.to ?? from + 199))
}
