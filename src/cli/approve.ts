import { type AnswerOptions, answer } from './answer.ts'
import type { ExitCode } from './exit-code.ts'

export const approve = (run: string, words: string[], options: AnswerOptions): Promise<ExitCode> =>
  answer(run, 'approved', words.join(' '), options)
