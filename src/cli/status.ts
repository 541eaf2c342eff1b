import { isLive } from '../domain/run.ts'
import type { InputOf } from '../operate/verbs.ts'
import type { ExitCode } from './exit-code.ts'
import { followList } from './follow-list.ts'
import { followRun } from './follow-run.ts'
import { wholeNumber } from './read-options.ts'
import { drawRunList } from './run-list-screen.ts'
import { drawRun } from './run-screen.ts'
import { createScreen } from './screen.ts'
import { withOperator } from './with-operator.ts'

export type StatusOptions = {
  follow?: boolean
  json?: boolean
  state?: string
  workflow?: string
  repository?: string
  limit?: string
}

/** All runs in a table, or one of them whole. */
export const status = (run: string | undefined, options: StatusOptions): Promise<ExitCode> =>
  withOperator(async (opened) => {
    const screen = createScreen()
    const json = options.json === true
    if (run !== undefined) {
      if (options.follow) return followRun(opened, run, { json, screen })
      const view = await opened.operator.ask('show-run', { run })
      for (const line of json ? [JSON.stringify(view)] : drawRun(view, screen)) screen.say(line)
      return 0
    }
    const filter = filterOf(options)
    const list = await opened.operator.ask('list-runs', filter)
    if (options.follow && opened.attended && list.runs.some(({ state }) => isLive(state))) {
      return followList(opened.operator, filter, { json, screen })
    }
    for (const line of json ? [JSON.stringify(list)] : drawRunList(list, screen)) screen.say(line)
    return 0
  })

const filterOf = ({ state, workflow, repository, limit }: StatusOptions): InputOf<'list-runs'> => ({
  // Which states there are is the verb's to say.
  ...(state !== undefined && { state: state as 'live' }),
  ...(workflow !== undefined && { workflow }),
  ...(repository !== undefined && { repository }),
  ...(limit !== undefined && { limit: wholeNumber('--limit', limit) }),
})
