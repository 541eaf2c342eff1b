import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { JourneymanError } from '../../domain/errors.ts'
import { type CheckContext, checkWorkflow } from './check-workflow.ts'
import type { Definition, LoadedWorkflow, Problem } from './definition.ts'
import { parseWorkflow } from './parse-workflow.ts'
import { type PromptFinder, promptFinder } from './prompt-files.ts'
import { promptReferences } from './steps-within.ts'
import { type Implements, unsupportedParts } from './unsupported-parts.ts'

export type LoadContext = Omit<CheckContext, 'readPrompt'> & {
  /** Where Journeyman itself is installed: its `prompts/` are found from everywhere. */
  installation: string
  /** The folder of prompts that the configuration names. */
  prompts?: string
  /** Prompts that a run pins beside those of its steps: the system prompts of the agents. */
  alsoPinned?: readonly string[]
  /** Which of the actions this version can do; all of them without it. */
  canDo?: Implements
  /** What is loaded now. A file that has become bad does not replace the good one that came from it. */
  previous?: readonly LoadedWorkflow[]
}

/**
 * Reads, checks and pins every workflow of a folder, or of several, where a workflow of a later folder lies over one of
 * the same name. Errors keep a file out and are told; warnings are told. Throws `not_found` for a folder that is not there.
 */
export const loadWorkflows = (
  folder: string | readonly string[],
  context: LoadContext,
): { workflows: LoadedWorkflow[]; problems: Problem[] } => {
  const problems: Problem[] = []
  const byName = new Map<string, LoadedWorkflow>()
  for (const each of [folder].flat().map((path) => resolve(path))) {
    const within = new Map<string, LoadedWorkflow>()
    for (const file of workflowFiles(each)) {
      const loaded = loadFile(file, each, context, problems)
      if (loaded) keep(loaded, within, problems)
    }
    for (const [name, loaded] of within) byName.set(name, loaded)
  }
  return { workflows: [...byName.values()], problems }
}

/** A pinned definition, read again. It was checked when it was loaded; a later version reads it as it stands. */
export const parsePinned = (source: string, _prompts: Record<string, string>): Definition => {
  const { definition, problems } = parseWorkflow(source, 'the pinned definition')
  if (definition) return definition
  const [first] = problems
  throw new JourneymanError(
    'invalid_workflow',
    `The definition that the run is pinned to cannot be read, at line ${first?.line}: ${first?.message}`,
    { nextAction: 'Start the work again: a new run takes the present definition.' },
  )
}

/** The same hash is the same behaviour. */
export const hashOf = (source: string, prompts: Record<string, string>): string =>
  createHash('sha256')
    .update(JSON.stringify([source, Object.entries(prompts).sort(([a], [b]) => (a < b ? -1 : 1))]))
    .digest('hex')

const workflowFiles = (folder: string): string[] => {
  try {
    const names = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name))
    return names.sort().map((name) => join(folder, name))
  } catch (cause) {
    throw new JourneymanError('not_found', `The folder of workflows ${folder} cannot be read.`, {
      nextAction: 'Set `workflows.folder` to a folder that exists.',
      cause,
    })
  }
}

const loadFile = (file: string, folder: string, context: LoadContext, problems: Problem[]): LoadedWorkflow | null => {
  const readPrompt = promptFinder({
    workflow: folder,
    prompts: context.prompts ?? null,
    installation: context.installation,
  })
  const source = readFileSync(file, 'utf8')
  const checked = checkWorkflow(source, file, { ...context, readPrompt })
  const unsupported = checked.definition ? unsupportedParts(checked.definition, file, context.canDo) : []
  const absent = absentPrompts(context.alsoPinned ?? [], readPrompt, file)
  problems.push(...checked.problems, ...unsupported, ...absent)
  const isGood = unsupported.length === 0 && absent.length === 0
  if (checked.definition === null || !isGood) return previousOf(file, context, problems)
  return pin(file, source, checked.definition, readPrompt, context.alsoPinned ?? [])
}

/** An agent without what it is told would work without its rules. */
const absentPrompts = (references: readonly string[], readPrompt: PromptFinder, file: string): Problem[] =>
  references
    .filter((reference) => readPrompt(reference) === null)
    .map((reference) => {
      const message = `The installation has no prompt \`${reference}\`, which every run needs.`
      return { file, line: 1, column: 1, path: '', message, severity: 'error' as const }
    })

const previousOf = (file: string, context: LoadContext, problems: Problem[]): LoadedWorkflow | null => {
  const previous = context.previous?.find((workflow) => workflow.file === file)
  if (!previous) return null
  const message = 'The file is not taken over; the workflow that was loaded from it before goes on being used.'
  problems.push({ file, line: 1, column: 1, path: '', message, severity: 'warning' })
  return previous
}

const pin = (
  file: string,
  source: string,
  definition: Definition,
  readPrompt: PromptFinder,
  alsoPinned: readonly string[],
): LoadedWorkflow => {
  const texts = [...promptReferences(definition), ...alsoPinned].map((reference): [string, string] => [
    reference,
    readPrompt(reference) ?? '',
  ])
  const prompts = Object.fromEntries(texts)
  return { hash: hashOf(source, prompts), file, source, prompts, definition }
}

const keep = (loaded: LoadedWorkflow, within: Map<string, LoadedWorkflow>, problems: Problem[]): void => {
  const { name } = loaded.definition
  const first = within.get(name)
  if (!first) {
    within.set(name, loaded)
    return
  }
  const message = `A workflow named \`${name}\` is already in ${first.file}; this one is left out.`
  problems.push({ file: loaded.file, line: 1, column: 1, path: 'name', message, severity: 'error' })
}
