import type { z } from 'zod'
import { defineTool, inputSchemaOf, type Tool } from './tool.ts'

/** The tool's name is how a conversation is seen to have ended, also by whoever reads it from the journal. */
export const submitName = 'submit'

/** The end of a conversation: what was handed in fits the role's schema, or the model is told what does not. */
export const createSubmit = (schema: z.ZodObject, description: string): Tool =>
  defineTool({
    definition: { name: submitName, description, input_schema: inputSchemaOf(schema) },
    schema,
    changesFiles: false,
    activity: () => 'handing in the work',
    run: async (input) => ({ content: 'Submitted.', isError: false, submitted: input as Record<string, unknown> }),
  })
