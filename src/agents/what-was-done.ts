import type { Turn } from './contract.ts'
import { toolCallsOf } from './run-tools.ts'

/** One sentence for people, taken from the recorded calls and not from what the model says of itself. */
export const whatWasDone = (turns: Turn[]): string => {
  const calls = turns.flatMap((turn) =>
    toolCallsOf(turn).filter((call) =>
      (turn.results ?? []).some((result) => result.toolUseId === call.id && !result.isError),
    ),
  )
  const input = (call: { input: unknown }) => call.input as { command?: unknown; path?: unknown }
  const edits = calls.filter((call) => call.name === 'str_replace_based_edit_tool' && input(call).command !== 'view')
  const commands = calls.filter((call) => call.name === 'bash')
  const edited = [...new Set(edits.map((call) => String(input(call).path)))]
  const parts = [
    edited.length === 0 ? 'changed no file' : `changed ${listed(edited)}`,
    commands.length === 0 ? 'ran no command' : `ran ${counted(commands.length, 'command')}`,
  ]
  const last = commands.at(-1)
  const lastCommand = last ? ` (the last: \`${String(input(last).command).split('\n')[0]?.slice(0, 80)}\`)` : ''
  return `In ${counted(turns.length, 'turn')} it ${parts.join(' and ')}${lastCommand}.`
}

const shown = 5

const listed = (paths: string[]): string => {
  const named = paths.slice(0, shown).map((path) => `\`${path}\``)
  return paths.length > shown ? `${named.join(', ')} and ${paths.length - shown} more` : named.join(', ')
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
