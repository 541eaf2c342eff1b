import { z } from 'zod'
import { shortenMiddle } from '../shorten-middle.ts'
import { answerFailure } from './answer-failure.ts'
import { answer, defineTool, inputSchemaOf, maxResultCharacters, type Tool } from './tool.ts'
import { workTreePath } from './work-tree-path.ts'

const schema = z.object({
  pattern: z.string().min(1).max(1000).describe('Regular expression (Rust syntax)'),
  path: z.string().max(1000).optional().describe('Folder or file; default: everything'),
  glob: z.string().max(200).optional().describe('e.g. "*.ts"'),
  ignore_case: z.boolean().optional(),
})

const maxMatches = 100
const maxLineCharacters = 300

export const search: Tool = defineTool({
  definition: {
    name: 'search',
    description: `Find lines by a regular expression with ripgrep; ignored files are left out. At most ${maxMatches} lines.`,
    input_schema: inputSchemaOf(schema),
  },
  schema,
  changesFiles: false,
  activity: (input) => `searching for \`${input.pattern.slice(0, 60)}\``,
  run: (input, context) =>
    answerFailure(async () => {
      const matches = await context.workspace.files.search({
        pattern: input.pattern,
        ...(input.path !== undefined && { path: workTreePath(input.path, context.workspace) }),
        ...(input.glob !== undefined && { glob: input.glob }),
        ...(input.ignore_case !== undefined && { ignoreCase: input.ignore_case }),
        limit: maxMatches,
      })
      if (matches.length === 0) return answer('Nothing was found.')
      const lines = matches.map((match) => `${match.path}:${match.line}: ${match.text.slice(0, maxLineCharacters)}`)
      if (matches.length >= maxMatches)
        lines.push(`[Only the first ${maxMatches} are shown. Narrow the pattern or the path.]`)
      return answer(shortenMiddle(lines.join('\n'), maxResultCharacters, 'Narrow the pattern or the path.'))
    }),
})
