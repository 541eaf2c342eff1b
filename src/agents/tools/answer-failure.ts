import { codeOf, type ErrorCode } from '../../domain/errors.ts'
import { refusal, type ToolAnswer } from './tool.ts'

/** What went wrong because of what the model asked for; it is told, and goes on. */
const forTheModel: ReadonlySet<ErrorCode> = new Set([
  'invalid_input',
  'not_found',
  'too_large',
  'forbidden',
  'conflict',
  'timeout',
  'command_failed',
  'not_supported',
])

/** Runs a part of a tool; failures that are the model's to mend become an answer, the others end the conversation. */
export const answerFailure = async (run: () => Promise<ToolAnswer>): Promise<ToolAnswer> => {
  try {
    return await run()
  } catch (error) {
    if (forTheModel.has(codeOf(error))) return refusal(`Error: ${(error as Error).message}`)
    throw error
  }
}
