import type { Definition, LoadedWorkflow } from './definition.ts'
import { hashOf, usedKey, usedPromptKey } from './pinned.ts'
import type { PromptFinder } from './prompt-files.ts'
import { promptReferences } from './steps-within.ts'
import { usesOfDefinition } from './used-workflows.ts'

/** A file on its way to being a workflow. `definition` is what it says, good or not; null where it cannot be read. */
export type Candidate = {
  file: string
  folder: string
  source: string
  /** Why the file could not be read; null where it could. */
  obstacle: string | null
  name: string | null
  definition: Definition | null
  readPrompt: PromptFinder
  isGood: boolean
}

/** A good file with all that its runs will read: its prompts, those of the agents, and the workflows that it uses with theirs. */
export const pinWorkflow = (
  candidate: Candidate,
  byName: ReadonlyMap<string, Candidate>,
  alsoPinned: readonly string[],
): LoadedWorkflow => {
  const { file, source, readPrompt } = candidate
  const definition = candidate.definition!
  const shared = alsoPinned.map((reference): [string, string] => [reference, readPrompt(reference) ?? ''])
  const used = usedBy(candidate, byName).flatMap((other) => [
    [usedKey(other.name!), other.source] as [string, string],
    ...promptsOf(other).map(([reference, text]): [string, string] => [usedPromptKey(other.name!, reference), text]),
  ])
  const prompts = Object.fromEntries([...promptsOf(candidate), ...shared, ...used])
  return { hash: hashOf(source, prompts), file, source, prompts, definition }
}

const promptsOf = ({ definition, readPrompt }: Candidate): [string, string][] =>
  promptReferences(definition!).map((reference) => [reference, readPrompt(reference) ?? ''])

/** Directly or through others, each once. */
const usedBy = (candidate: Candidate, byName: ReadonlyMap<string, Candidate>): Candidate[] => {
  const found = new Map<string, Candidate>()
  const open = [candidate]
  for (const next of open) {
    for (const name of usesOfDefinition(next.definition!)) {
      const used = byName.get(name)
      if (!used?.definition || found.has(name)) continue
      found.set(name, used)
      open.push(used)
    }
  }
  return [...found.values()]
}
