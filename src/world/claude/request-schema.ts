import { z } from 'zod'

/** The shape of what the Messages API accepts, closed: the vendor refuses a field that it does not know. */
const cacheControl = z.strictObject({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).optional() }).nullish()
const identifier = z.string().regex(/^[a-zA-Z0-9_-]+$/)
const record = z.record(z.string(), z.unknown())

const textBlock = z.strictObject({
  type: z.literal('text'),
  text: z.string(),
  cache_control: cacheControl,
  citations: z.array(z.unknown()).nullish(),
})
const imageBlock = z.strictObject({ type: z.literal('image'), source: record, cache_control: cacheControl })
const documentBlock = z.looseObject({ type: z.literal('document'), source: record, cache_control: cacheControl })

const toolResultBlock = z.strictObject({
  type: z.literal('tool_result'),
  tool_use_id: identifier,
  content: z
    .union([z.string(), z.array(z.discriminatedUnion('type', [textBlock, imageBlock, documentBlock]))])
    .optional(),
  is_error: z.boolean().optional(),
  cache_control: cacheControl,
})
const toolUseBlock = z.strictObject({
  type: z.literal('tool_use'),
  id: identifier,
  name: z.string().min(1).max(200),
  input: record,
  caller: z.strictObject({ type: z.literal('direct') }).optional(),
  cache_control: cacheControl,
})
const thinkingBlock = z.strictObject({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() })
const redactedBlock = z.strictObject({ type: z.literal('redacted_thinking'), data: z.string() })

const contentBlock = z.discriminatedUnion('type', [
  textBlock,
  imageBlock,
  documentBlock,
  toolResultBlock,
  toolUseBlock,
  thinkingBlock,
  redactedBlock,
])
const message = z.strictObject({
  role: z.enum(['user', 'assistant']),
  content: z.union([z.string(), z.array(contentBlock)]),
})

const customTool = z.strictObject({
  type: z.literal('custom').nullish(),
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/),
  description: z.string().optional(),
  input_schema: z.looseObject({ type: z.literal('object') }),
  strict: z.boolean().optional(),
  eager_input_streaming: z.boolean().nullish(),
  cache_control: cacheControl,
})
const vendorTool = <Type extends string, Name extends string>(type: Type, name: Name) =>
  z.strictObject({ type: z.literal(type), name: z.literal(name), cache_control: cacheControl })
const editorTool = <Type extends string, Name extends string>(type: Type, name: Name) =>
  vendorTool(type, name).extend({ max_characters: z.int().positive().nullish() })

const tool = z.union([
  customTool,
  vendorTool('bash_20250124', 'bash'),
  vendorTool('text_editor_20250124', 'str_replace_editor'),
  vendorTool('text_editor_20250429', 'str_replace_based_edit_tool'),
  editorTool('text_editor_20250728', 'str_replace_based_edit_tool'),
])

const parallel = { disable_parallel_tool_use: z.boolean().optional() }
const toolChoice = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('auto'), ...parallel }),
  z.strictObject({ type: z.literal('any'), ...parallel }),
  z.strictObject({ type: z.literal('tool'), name: z.string(), ...parallel }),
  z.strictObject({ type: z.literal('none') }),
])

const countFields = {
  model: z.string().min(1),
  messages: z.array(message).min(1).max(100_000),
  system: z.union([z.string(), z.array(textBlock)]).optional(),
  tools: z.array(tool).optional(),
  tool_choice: toolChoice.optional(),
  thinking: record.optional(),
  output_config: record.optional(),
  cache_control: cacheControl,
}

export const countRequest = z.strictObject(countFields)
export const messageRequest = z.strictObject({
  ...countFields,
  max_tokens: z.int().min(1),
  stream: z.boolean().optional(),
  stop_sequences: z.array(z.string().regex(/\S/, 'each stop sequence must contain non-whitespace')).optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.int().min(0).optional(),
  metadata: z.strictObject({ user_id: z.string().max(256).nullish() }).optional(),
  service_tier: z.enum(['auto', 'standard_only']).optional(),
  inference_geo: z.string().nullish(),
})

export type CountRequest = z.infer<typeof countRequest>
export type MessageRequest = z.infer<typeof messageRequest>
export type RequestBlock = z.infer<typeof contentBlock>

/** One sentence in the vendor's form, `messages.0.content.1.text: …`, for the first thing that does not fit. */
export const firstIssue = (error: z.ZodError): string => {
  const issue = deepest(error.issues[0] as z.core.$ZodIssue)
  const path = issue.path.map(String).join('.')
  const text = issue.code === 'unrecognized_keys' ? 'Extra inputs are not permitted' : issue.message
  const keys = issue.code === 'unrecognized_keys' ? issue.keys : []
  return `${[path, ...keys].filter((part) => part !== '').join('.')}: ${text}`
}

/** Of the branches of a union, the one that came furthest: it is the one that was meant. */
const deepest = (issue: z.core.$ZodIssue): z.core.$ZodIssue => {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue
  const branches = issue.errors.filter((branch) => branch.length > 0)
  const best = branches.toSorted((a, b) => a.length - b.length)[0]?.[0]
  if (!best) return issue
  return deepest({ ...best, path: [...issue.path, ...best.path] } as z.core.$ZodIssue)
}
