import type { Difference, Replayed } from '../operate/replay-run.ts'
import type { ExitCode } from './exit-code.ts'
import { createScreen } from './screen.ts'
import { withOperator } from './with-operator.ts'

/** Exit code 1 where the run would go otherwise. */
export const replay = (run: string, options: { pinned?: boolean; json?: boolean }): Promise<ExitCode> =>
  withOperator(async ({ operator }) => {
    const screen = createScreen()
    const replayed = await operator.ask('replay-run', { run, ...(options.pinned && { pinned: true }) })
    if (options.json) screen.say(JSON.stringify(replayed))
    else for (const line of linesOf(replayed)) screen.say(line)
    return replayed.differences.length === 0 ? 0 : 1
  })

const linesOf = (replayed: Replayed): string[] => {
  const by = replayed.definition === 'pinned' ? 'the definition that it ran with' : presentOf(replayed)
  const head = `${replayed.run} (${replayed.workflow}), replayed by ${by}: ${replayed.steps} steps`
  if (replayed.differences.length === 0) return [`${head}, the same.`]
  const { length } = replayed.differences
  return [
    `${head}, ${length === 1 ? 'one difference' : `${length} differences`}.`,
    ...replayed.differences.flatMap(lines),
  ]
}

const presentOf = ({ changed }: Replayed): string =>
  changed ? 'the present definition, which has changed since' : 'the present definition, which is the same text'

const lines = (difference: Difference): string[] => {
  const { address, was, is, guessed } = difference
  const told = `  ${sentences[difference.what](address)}${guessed ? ' (after a step whose result is not known)' : ''}`
  return difference.what === 'new' || difference.what === 'gone'
    ? [told]
    : [told, `      was  ${shown(was)}`, `      is   ${shown(is)}`]
}

const sentences: Record<Difference['what'], (address: string) => string> = {
  new: (address) => `+ ${address}  would be begun, and was not`,
  gone: (address) => `- ${address}  would not be begun any more`,
  inputs: (address) => `~ ${address}  would be given something else`,
  skipped: (address) => `~ ${address}  is skipped by one and not by the other`,
  kind: (address) => `~ ${address}  is a step of another kind`,
  end: () => '~ the run would end otherwise',
}

const mostShown = 160

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length <= mostShown ? text : `${text.slice(0, mostShown)}…`
}
