import { z } from 'zod'
import { shortenMiddle } from '../shorten-middle.ts'
import { answerFailure } from './answer-failure.ts'
import { answer, defineTool, inputSchemaOf, maxResultCharacters, type Tool } from './tool.ts'
import { workTreePath } from './work-tree-path.ts'

const schema = z.object({
  path: z.string().max(1000).optional().describe('Default: the root'),
  depth: z.int().min(1).max(8).optional().describe('Default: 3'),
})

const maxEntries = 500

export const list: Tool = defineTool({
  definition: {
    name: 'list',
    description: 'List files and folders, with sizes in bytes.',
    input_schema: inputSchemaOf(schema),
  },
  schema,
  changesFiles: false,
  activity: (input) => `looking into \`${input.path ?? '.'}\``,
  run: (input, context) =>
    answerFailure(async () => {
      const where = workTreePath(input.path ?? '.', context.workspace)
      const entries = await context.workspace.files.list(where === '/' ? '.' : where, input.depth ?? 3, maxEntries)
      if (entries.length === 0) return answer(`${where} is empty.`)
      const lines = entries.map((entry) =>
        entry.kind === 'directory'
          ? `${entry.path}/`
          : `${entry.path}${entry.kind === 'symlink' ? ' (symlink)' : ` (${entry.bytes})`}`,
      )
      if (entries.length >= maxEntries) lines.push(`[Only the first ${maxEntries} are shown. List a folder below it.]`)
      return answer(shortenMiddle(lines.join('\n'), maxResultCharacters, 'List a folder below it.'))
    }),
})
