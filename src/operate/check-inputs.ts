import { JourneymanError } from '../domain/errors.ts'
import type { Definition } from '../workflow/language/definition.ts'
import { suggestion } from '../workflow/language/nearest.ts'
import { readInput } from '../workflow/language/read-input.ts'

/** Throws `invalid_input`: an input that is not declared, that is missing, or that is not of its type. */
export const checkInputs = (
  definition: Definition,
  inputs: Record<string, string>,
  about: { issue?: number | undefined },
): void => {
  const declared = Object.keys(definition.inputs)
  for (const name of Object.keys(inputs)) {
    if (!declared.includes(name)) throw unknown(definition.name, name, declared)
  }
  // What a run brings itself.
  const brought = new Set(['repository', ...(about.issue === undefined ? [] : ['task_id'])])
  const missing = Object.entries(definition.inputs).filter(
    ([name, spec]) =>
      spec.required && (spec.default ?? null) === null && inputs[name] === undefined && !brought.has(name),
  )
  if (missing.length > 0) throw lacking(definition.name, missing)
  for (const [name, text] of Object.entries(inputs)) readInput(name, definition.inputs[name]!, text)
}

const unknown = (workflow: string, name: string, declared: string[]): JourneymanError =>
  new JourneymanError('invalid_input', `${workflow} has no input "${name}".${suggestion(name, declared)}`, {
    nextAction: declared.length > 0 ? `It has: ${declared.join(', ')}.` : 'It has none: leave --input out.',
  })

const lacking = (
  workflow: string,
  missing: [string, { type: string; description: string | null }][],
): JourneymanError => {
  const named = missing.map(([name, spec]) => `${name} (${spec.description ?? spec.type})`)
  return new JourneymanError('invalid_input', `${workflow} needs ${named.join(', ')}.`, {
    nextAction: `Say ${missing.map(([name]) => `--input ${name}=…`).join(' ')}.`,
  })
}
