import type { ExitCode } from './exit-code.ts'
import { followRun } from './follow-run.ts'
import { createScreen } from './screen.ts'
import { withOperator } from './with-operator.ts'

export type RetryOptions = { from?: string; follow?: boolean; json?: boolean }

export const retry = (run: string, options: RetryOptions): Promise<ExitCode> =>
  withOperator(async (opened) => {
    const screen = createScreen()
    const json = options.json === true
    const { from } = options
    const retried = await opened.operator.ask('retry-run', { run, ...(from !== undefined && { from }) })
    const how = opened.attended ? 'goes on' : 'goes on as soon as a server runs'
    const where = from === undefined ? (retried.again[0] ?? null) : from
    screen.say(json ? JSON.stringify(retried) : `${retried.run} ${how}${where === null ? '' : `, at ${where}`}.`)
    return options.follow ? followRun(opened, retried.run, { json, screen }) : 0
  })
