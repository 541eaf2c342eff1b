import type { InputOf, Operator } from '../operate/verbs.ts'
import type { ExitCode } from './exit-code.ts'
import { drawRunList } from './run-list-screen.ts'
import type { Screen } from './screen.ts'

/** The table, until none of its runs is live any more. */
export const followList = async (
  operator: Operator,
  filter: InputOf<'list-runs'>,
  { json, screen }: { json: boolean; screen: Screen },
): Promise<ExitCode> => {
  for await (const list of operator.follow('list-runs', filter)) {
    if (json) screen.say(JSON.stringify(list))
    else if (screen.isTerminal) screen.draw(drawRunList(list, screen))
    else for (const line of [...drawRunList(list, screen), '']) screen.say(line)
  }
  return 0
}
