import type { ExitCode } from './exit-code.ts'
import { followRun } from './follow-run.ts'
import { createScreen } from './screen.ts'
import { withOperator } from './with-operator.ts'

export const stop = (run: string, options: { follow?: boolean; json?: boolean }): Promise<ExitCode> =>
  withOperator(async (opened) => {
    const screen = createScreen()
    const json = options.json === true
    const stopped = await opened.operator.ask('stop-run', { run })
    const how = opened.attended ? 'is being stopped' : 'will be stopped as soon as a server runs'
    screen.say(json ? JSON.stringify(stopped) : `${stopped.run} ${how}.`)
    if (!options.follow) return 0
    // That it ends stopped is what was asked for.
    await followRun(opened, stopped.run, { json, screen })
    return 0
  })
