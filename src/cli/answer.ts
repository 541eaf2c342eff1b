import type { Answered } from '../operate/answer.ts'
import type { ExitCode } from './exit-code.ts'
import { drawApproval } from './run-screen.ts'
import { createScreen } from './screen.ts'
import { withOperator } from './with-operator.ts'

export type AnswerOptions = { step?: string; json?: boolean }

/** A yes or a no to what a run asks; what it was is shown with it. */
export const answer = (
  run: string,
  verdict: Answered['verdict'],
  comment: string,
  options: AnswerOptions,
): Promise<ExitCode> =>
  withOperator(async ({ operator, attended }) => {
    const screen = createScreen()
    const answered = await operator.ask('answer', {
      run,
      verdict,
      ...(options.step !== undefined && { step: options.step }),
      ...(comment !== '' && { comment }),
    })
    if (options.json) {
      screen.say(JSON.stringify(answered))
      return 0
    }
    const { address } = answered.approval
    // Without the last two lines, which say how it could be answered.
    for (const line of drawApproval(answered.run, answered.approval, screen).slice(1, -2)) screen.say(line)
    const word = verdict === 'approved' ? screen.style('green', 'Approved') : screen.style('red', 'Rejected')
    const then = attended ? '' : ' It goes on as soon as a server runs.'
    screen.say(`${word}: ${address} of ${answered.run}.${then}`)
    return 0
  })
