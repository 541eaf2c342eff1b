import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { JourneymanError } from '../../domain/errors.ts'
import { type CheckContext, checkWorkflow } from './check-workflow.ts'
import type { LoadedWorkflow, Problem } from './definition.ts'
import { parseWorkflow } from './parse-workflow.ts'
import { type Candidate, pinWorkflow } from './pin-workflow.ts'
import { type PromptFinder, promptFinder } from './prompt-files.ts'
import { everyStep } from './steps-within.ts'
import { type Implements, unsupportedParts } from './unsupported-parts.ts'
import { type Shelf, usesOfDefinition } from './used-workflows.ts'
import { maxSourceLength } from './yaml-source.ts'

export { hashOf, type PinnedUse, parsePinned, pinnedUse } from './pinned.ts'

export type LoadContext = Omit<CheckContext, 'readPrompt' | 'workflows'> & {
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
 * the same name. Errors keep a file out and are told; warnings are told. A workflow is as good as those that it uses: it
 * is pinned with them, so it is taken over with them or not at all. Throws `not_found` for a folder that is not there.
 */
export const loadWorkflows = (
  folder: string | readonly string[],
  context: LoadContext,
): { workflows: LoadedWorkflow[]; problems: Problem[] } => {
  const problems: Problem[] = []
  const folders = [folder].flat().map((path) => resolve(path))
  const candidates = folders.flatMap((each) => workflowFiles(each).map((file) => readCandidate(file, each, context)))
  const byName = namedCandidates(candidates)
  const shelf: Shelf = new Map([...byName].map(([name, { definition }]) => [name, definition]))
  for (const candidate of candidates) checkCandidate(candidate, shelf, context, problems)
  refuseUsersOfBad(candidates, byName, problems)
  const workflows = new Map<string, LoadedWorkflow>()
  for (const each of folders) {
    const within = new Map<string, LoadedWorkflow>()
    for (const candidate of candidates.filter((other) => other.folder === each)) {
      const loaded = candidate.isGood
        ? pinWorkflow(candidate, byName, context.alsoPinned ?? [])
        : previousOf(candidate.file, context, problems)
      if (loaded) keep(loaded, within, problems)
    }
    for (const [name, loaded] of within) workflows.set(name, loaded)
  }
  return { workflows: [...workflows.values()], problems }
}

const workflowFiles = (folder: string): string[] => {
  try {
    const names = readdirSync(folder).filter((name) => /(?<!\.test)\.ya?ml$/.test(name))
    return names.sort().map((name) => join(folder, name))
  } catch (cause) {
    throw new JourneymanError('not_found', `The folder of workflows ${folder} cannot be read.`, {
      nextAction: 'Set `workflows.folder` to a folder that exists.',
      cause,
    })
  }
}

const readCandidate = (file: string, folder: string, context: LoadContext): Candidate => {
  const { prompts = null, installation } = context
  const readPrompt = promptFinder({ workflow: folder, prompts, installation })
  const { text: source, obstacle } = readSource(file)
  const parsed = parseWorkflow(source, file)
  const raw = (parsed.source.value as Record<string, unknown> | null)?.['name']
  const name = parsed.definition?.name ?? (typeof raw === 'string' ? raw : null)
  return { file, folder, source, obstacle, name, definition: parsed.definition, readPrompt, isGood: false }
}

/** The workflow that a name means: of the latest folder, and there of the first file. */
const namedCandidates = (candidates: readonly Candidate[]): Map<string, Candidate> => {
  const byName = new Map<string, Candidate>()
  for (const candidate of candidates) {
    const first = candidate.name === null ? undefined : byName.get(candidate.name)
    if (candidate.name !== null && first?.folder !== candidate.folder) byName.set(candidate.name, candidate)
  }
  return byName
}

const checkCandidate = (candidate: Candidate, shelf: Shelf, context: LoadContext, problems: Problem[]): void => {
  const { file, source, readPrompt, obstacle } = candidate
  if (obstacle !== null) {
    problems.push({ file, line: 1, column: 1, path: '', message: obstacle, severity: 'error' })
    return
  }
  const checked = checkWorkflow(source, file, { ...context, readPrompt, workflows: shelf })
  const unsupported = checked.definition ? unsupportedParts(checked.definition, file, context.canDo) : []
  const absent = absentPrompts(context.alsoPinned ?? [], readPrompt, file)
  problems.push(...checked.problems, ...unsupported, ...absent)
  candidate.isGood = checked.definition !== null && unsupported.length === 0 && absent.length === 0
}

/** An agent without what it is told would work without its rules. */
const absentPrompts = (references: readonly string[], readPrompt: PromptFinder, file: string): Problem[] =>
  references
    .filter((reference) => readPrompt(reference) === null)
    .map((reference) => {
      const message = `The installation has no prompt \`${reference}\`, which every run needs.`
      return { file, line: 1, column: 1, path: '', message, severity: 'error' as const }
    })

/** Ends: each pass but the last makes one more file bad. */
const refuseUsersOfBad = (
  candidates: readonly Candidate[],
  byName: ReadonlyMap<string, Candidate>,
  problems: Problem[],
): void => {
  const usersOfBad = () =>
    candidates.filter(
      ({ isGood, definition }) =>
        isGood && definition !== null && usesOfDefinition(definition).some((name) => !byName.get(name)?.isGood),
    )
  for (let bad = usersOfBad(); bad.length > 0; bad = usersOfBad()) {
    for (const candidate of bad) {
      candidate.isGood = false
      problems.push(...badUses(candidate, byName))
    }
  }
}

const badUses = ({ file, definition }: Candidate, byName: ReadonlyMap<string, Candidate>): Problem[] =>
  everyStep(definition!).flatMap((step) => {
    const used = step.type === 'workflow' ? byName.get(step.uses) : undefined
    if (step.type !== 'workflow' || !used || used.isGood) return []
    const message = `The workflow \`${step.uses}\`, which this one uses, is not good itself: see ${used.file}.`
    return [{ file, ...step.position, path: step.name, message, severity: 'error' as const }]
  })

const previousOf = (file: string, context: LoadContext, problems: Problem[]): LoadedWorkflow | null => {
  const previous = context.previous?.find((workflow) => workflow.file === file)
  if (!previous) return null
  const message = 'The file is not taken over; the workflow that was loaded from it before goes on being used.'
  problems.push({ file, line: 1, column: 1, path: '', message, severity: 'warning' })
  return previous
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

type Source = { text: string; obstacle: string | null }

/**
 * The text, or why there is none: a folder, a pipe that would be waited for, a link to nothing, a file of somebody else. It is
 * one mistake of one file, and the others are read.
 */
const readSource = (file: string): Source => {
  try {
    const found = statSync(file)
    if (found.isDirectory()) return unreadable('This is a folder, and a workflow is a file.')
    if (!found.isFile()) return unreadable('This is no ordinary file, so it is not read.')
    return { text: found.size <= maxSourceLength ? readFileSync(file, 'utf8') : startOf(file), obstacle: null }
  } catch (error) {
    const why = String((error as NodeJS.ErrnoException).code ?? error)
    if (why === 'ENOENT') return unreadable('There is no such file; a link may lead to nothing.')
    return unreadable(`The file cannot be read (${why}): see that whoever runs Journeyman may.`)
  }
}

const unreadable = (obstacle: string): Source => ({ text: '', obstacle })

/** No more than shows that it is too long. Bytes that are no UTF-8 become a sign of their own, which the check refuses. */
const startOf = (file: string): string => {
  const start = Buffer.alloc(maxSourceLength + 1, ' ')
  const opened = openSync(file, 'r')
  try {
    return start.toString('utf8', 0, Math.max(maxSourceLength + 1, readSync(opened, start)))
  } finally {
    closeSync(opened)
  }
}
