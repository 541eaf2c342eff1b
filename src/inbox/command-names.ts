import type { Event } from '../domain/event.ts'
import type { LoadedWorkflow } from '../workflow/language/definition.ts'

/** Commands that are said to runs that exist, or to us; all others start a workflow, or nothing. With what they do, for people. */
export const runCommands = {
  approve: 'say yes where a run asks; `/ai approve <step>` where several wait',
  reject: 'say no, and why: `/ai reject [why]`',
  stop: 'end what is under way here',
  retry: 'go on with the last run where it failed',
  status: 'how the runs here stand',
  help: 'this list',
} as const
export type RunCommand = keyof typeof runCommands

export const isRunCommand = (command: string): command is RunCommand => Object.hasOwn(runCommands, command)

export const isForRuns = (event: Event): boolean =>
  event.name === 'command.given' && isRunCommand(event.fields['command'] ?? '')

/** Commands that start one of these workflows. */
export const startingCommands = (workflows: readonly LoadedWorkflow[]): string[] => {
  const triggers = workflows.flatMap(({ definition }) => definition.on)
  const given = triggers.filter(({ event }) => event === 'command.given').map(({ fields }) => fields['command'])
  return [...new Set(given.filter((name) => name !== undefined && !isRunCommand(name)))].sort() as string[]
}
