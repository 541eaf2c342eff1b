import type { ExitCode } from './exit-code.ts'
import { followRun } from './follow-run.ts'
import { pairs, wholeNumber } from './read-options.ts'
import { createScreen } from './screen.ts'
import { withOperator } from './with-operator.ts'

export type RunOptions = {
  repository?: string
  issue?: string
  change?: string
  input: string[]
  detach?: boolean
  json?: boolean
}

/** Starts a run of a workflow and shows how it goes; 0 when it is done, 1 when it has ended in another way. */
export const run = (workflow: string, options: RunOptions): Promise<ExitCode> =>
  withOperator(async (opened) => {
    const screen = createScreen()
    const json = options.json === true
    const started = await opened.operator.ask('start-run', {
      workflow,
      ...(options.repository !== undefined && { repository: options.repository }),
      ...(options.issue !== undefined && { issue: wholeNumber('--issue', options.issue) }),
      ...(options.change !== undefined && { change: wholeNumber('--change', options.change) }),
      inputs: pairs('--input', options.input),
    })
    const what = started.joined ? 'is at work on this already' : 'is stored'
    screen.say(json ? JSON.stringify(started) : `${started.run} ${what}.`)
    return options.detach ? 0 : followRun(opened, started.run, { json, screen })
  })
