import { fileFailure } from './file-failure.ts'
import { plainText } from './screen.ts'

/** What is wrong and what to do, on standard error; a defect of ours with the place where it happened. */
export const tellFailure = (error: unknown): void => {
  const { code, message, nextAction } = fileFailure(error)
  const stack = code === 'internal' && error instanceof Error ? `\n${error.stack}` : ''
  process.stderr.write(`${plainText(message)}${nextAction ? `\n${plainText(nextAction)}` : ''}${stack}\n`)
}
