import { z } from 'zod'
import type { ToolDefinition } from '../../plugins/ai-provider/contract.ts'
import type { Workspace } from '../../workspace/contract.ts'

/** What a tool has to work with. All it reads, edits and runs goes through the workspace, and so through the sandbox. */
export type ToolContext = {
  workspace: Workspace
  signal: AbortSignal
  commandTimeoutMs: number
}

/** What the model is told. A refusal (`isError`) is an answer too: the model reads it and tries something else. */
export type ToolAnswer = { content: string; isError: boolean; submitted?: Record<string, unknown> }

/**
 * One tool of an agent. `run` is given the model's arguments as they came; it answers in words whatever is wrong with
 * them, and throws only what must end the conversation: `stopped`, `stale_epoch`, `sandbox_unavailable`, `internal`.
 */
export type Tool = {
  definition: ToolDefinition
  /** Whether this call can change the work tree; only then is a snapshot taken after it, and is it run again on resume. */
  changesFiles: (input: unknown) => boolean
  /** A few words for people: `editing src/auth/token.ts`. */
  activity: (input: unknown) => string
  run: (input: unknown, context: ToolContext) => Promise<ToolAnswer>
}

export const answer = (content: string): ToolAnswer => ({ content, isError: false })
export const refusal = (content: string): ToolAnswer => ({ content, isError: true })

/** The most characters that one tool result brings into the conversation. */
export const maxResultCharacters = 30_000

/** Makes a tool of a schema and a function; arguments that do not fit are answered with what is wrong, key by key. */
export const defineTool = <Schema extends z.ZodType>(tool: {
  definition: ToolDefinition
  schema: Schema
  changesFiles: boolean | ((input: z.infer<Schema>) => boolean)
  activity: (input: z.infer<Schema>) => string
  run: (input: z.infer<Schema>, context: ToolContext) => Promise<ToolAnswer>
}): Tool => ({
  definition: tool.definition,
  changesFiles: (input) => {
    if (typeof tool.changesFiles === 'boolean') return tool.changesFiles
    const parsed = tool.schema.safeParse(input)
    return parsed.success && tool.changesFiles(parsed.data)
  },
  activity: (input) => {
    const parsed = tool.schema.safeParse(input)
    return parsed.success ? tool.activity(parsed.data).slice(0, 120) : tool.definition.name
  },
  run: async (input, context) => {
    const parsed = tool.schema.safeParse(input)
    return parsed.success ? tool.run(parsed.data, context) : refusal(explain(tool.definition.name, input, parsed.error))
  },
})

const explain = (name: string, input: unknown, error: z.ZodError): string => {
  if (typeof input === 'object' && input !== null && 'unreadable_arguments' in input) {
    return `The arguments of ${name} were no complete JSON, or too long. Send them again, in smaller pieces if they are long.`
  }
  const issues = error.issues.slice(0, 10).map((issue) => `- ${issue.path.join('.') || 'input'}: ${issue.message}`)
  return `The arguments of ${name} do not fit:\n${issues.join('\n')}`
}

/**
 * The schema that the model sees, from the one that its arguments are checked with. Bounds are left out: they cost tokens in
 * every request, and a call that is over one is told so.
 */
export const inputSchemaOf = (schema: z.ZodType): Record<string, unknown> => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' })
  return withoutBounds(rest) as Record<string, unknown>
}

const bounds = new Set(['minLength', 'maxLength', 'minItems', 'maxItems', 'minimum', 'maximum'])

const withoutBounds = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(withoutBounds)
  if (typeof schema !== 'object' || schema === null) return schema
  const kept = Object.entries(schema).filter(([key, value]) => !(bounds.has(key) && typeof value === 'number'))
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutBounds(value)]))
}
