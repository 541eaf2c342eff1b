import { z } from 'zod'
import { codeOf } from '../../domain/errors.ts'
import { shortenMiddle } from '../shorten-middle.ts'
import { answerFailure } from './answer-failure.ts'
import { insertText, numberLines, replaceOnce } from './edit-text.ts'
import {
  answer,
  defineTool,
  maxResultCharacters,
  refusal,
  type Tool,
  type ToolAnswer,
  type ToolContext,
} from './tool.ts'
import { workTreePath } from './work-tree-path.ts'

const path = z.string().min(1).max(1000)
const schema = z.discriminatedUnion('command', [
  z.object({ command: z.literal('view'), path, view_range: z.array(z.int()).length(2).nullish() }),
  z.object({ command: z.literal('create'), path, file_text: z.string() }),
  z.object({ command: z.literal('str_replace'), path, old_str: z.string(), new_str: z.string().nullish() }),
  z.object({
    command: z.literal('insert'),
    path,
    insert_line: z.int(),
    // The vendor's pages say `new_str`, its models write `insert_text`.
    insert_text: z.string().nullish(),
    new_str: z.string().nullish(),
  }),
])
type Input = z.infer<typeof schema>

/** Anthropic's own editor. The model knows its shape by heart, so that no description of it is sent. */
export const textEditor: Tool = defineTool({
  definition: { type: 'text_editor_20250728', name: 'str_replace_based_edit_tool' },
  schema,
  changesFiles: (input) => input.command !== 'view',
  activity: (input) => `${input.command === 'view' ? 'reading' : 'editing'} \`${input.path}\``,
  run: (input, context) =>
    answerFailure(() => {
      const where = workTreePath(input.path, context.workspace)
      if (input.command === 'view') return view(where, input, context)
      if (input.command === 'create') return create(where, input.file_text, context)
      return edit(where, input, context)
    }),
})

const view = async (where: string, input: Input & { command: 'view' }, context: ToolContext): Promise<ToolAnswer> => {
  if (where === '.' || where === '/') return viewDirectory('.', context)
  try {
    const text = await context.workspace.files.read(where)
    return viewText(where, text, input.view_range ?? null)
  } catch (error) {
    if (codeOf(error) !== 'invalid_input') throw error
    const directory = await viewDirectory(where, context).catch(() => null)
    if (directory === null) throw error
    return directory
  }
}

const viewText = (where: string, text: string, range: number[] | null): ToolAnswer => {
  const lines = text.split('\n')
  if (lines.length > 1 && lines.at(-1) === '') lines.pop()
  const [first, last] = [range?.[0] ?? 1, range?.[1] ?? -1]
  if (first < 1 || first > lines.length) {
    return refusal(
      `Invalid \`view_range\`: [${first}, ${last}]. Its first number must be a line of the file: [1, ${lines.length}].`,
    )
  }
  if (last !== -1 && last < first) {
    return refusal(
      `Invalid \`view_range\`: [${first}, ${last}]. Its second number must be -1 or not less than the first.`,
    )
  }
  const numbered = numberLines(lines.slice(first - 1, last === -1 ? undefined : last), first)
  const shown = shortenMiddle(numbered, maxResultCharacters, 'Use view_range to see them.')
  return answer(text === '' ? `The file ${where} is empty.` : `Here is ${where} with line numbers:\n${shown}`)
}

const maxEntries = 400

const viewDirectory = async (where: string, context: ToolContext): Promise<ToolAnswer> => {
  const entries = await context.workspace.files.list(where, 2, maxEntries)
  const lines = entries.map((entry) => `${entry.path}${entry.kind === 'directory' ? '/' : ''}`)
  if (entries.length >= maxEntries) lines.push(`[Only the first ${maxEntries} are shown. View a folder below it.]`)
  return answer(`Files and folders up to 2 levels deep in ${where}:\n${lines.join('\n')}`)
}

const create = async (where: string, content: string, context: ToolContext): Promise<ToolAnswer> => {
  const before = await context.workspace.files.read(where).catch((error: unknown) => {
    if (codeOf(error) === 'not_found') return null
    throw error
  })
  await context.workspace.files.write(where, content)
  return answer(
    before === null
      ? `File created successfully at: ${where}`
      : `The file ${where} was there already, with ${before.split('\n').length} lines. It has been overwritten.`,
  )
}

const edit = async (
  where: string,
  input: Input & { command: 'str_replace' | 'insert' },
  context: ToolContext,
): Promise<ToolAnswer> => {
  const before = await context.workspace.files.read(where)
  const result =
    input.command === 'str_replace'
      ? replaceOnce(before, input.old_str, input.new_str ?? '', where)
      : insertText(before, input.insert_line, input.insert_text ?? input.new_str ?? '')
  if ('refused' in result) return refusal(result.refused)
  await context.workspace.files.write(where, result.text)
  return answer(`The file ${where} has been edited. Around the change it now reads:\n${result.snippet}`)
}
