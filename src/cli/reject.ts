import { type AnswerOptions, answer } from './answer.ts'
import type { ExitCode } from './exit-code.ts'

export const reject = (run: string, why: string[], options: AnswerOptions): Promise<ExitCode> =>
  answer(run, 'rejected', why.join(' '), options)
