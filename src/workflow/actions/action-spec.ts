import { z } from 'zod'

export type ActionSpec = {
  category: string
  action: string
  /** One sentence for people. */
  description: string
  /** Takes inputs under every accepted spelling and gives them under the first. Refuses unknown names. */
  inputs: z.ZodType<Record<string, unknown>>
  /** Each input by its first spelling. An optional one takes null as "not given". */
  fields: Readonly<Record<string, z.ZodType>>
  required: readonly string[]
  /** Other spelling -> first spelling. */
  aliases: Readonly<Record<string, string>>
  /** Required inputs that the run supplies where a step does not. */
  implied: readonly string[]
  outputs: readonly string[]
  /** Undoes it: what `on_error: rollback` calls where the step names no rollback of its own. */
  inverse: { action: string; inputs: Record<string, string> } | null
  /** It takes whatever names it is given (`system.set`). */
  isOpen: boolean
}

const impliable: ReadonlySet<string> = new Set(['task_id', 'task', 'repository', 'branch'])

export const defineAction = (
  category: string,
  action: string,
  spec: {
    description: string
    inputs?: Record<string, z.ZodType>
    outputs?: string[]
    aliases?: Record<string, string>
    inverse?: { action: string; inputs: Record<string, string> }
    isOpen?: boolean
  },
): ActionSpec => {
  const fields = spec.inputs ?? {}
  const aliases = spec.aliases ?? {}
  const required = Object.keys(fields).filter((name) => !fields[name]!.safeParse(undefined).success)
  const shape = spec.isOpen ? z.record(z.string(), z.unknown()) : z.strictObject(fields)
  return {
    category,
    action,
    description: spec.description,
    fields,
    required,
    aliases,
    inputs: z.preprocess((given) => withFirstSpellings(given, aliases), shape) as z.ZodType<Record<string, unknown>>,
    implied: required.filter((name) => impliable.has(name)),
    outputs: spec.outputs ?? [],
    inverse: spec.inverse ?? null,
    isOpen: spec.isOpen ?? false,
  }
}

/** What a step wrote under another spelling wins over what the run supplied under the first. */
const withFirstSpellings = (given: unknown, aliases: Record<string, string>): unknown => {
  if (typeof given !== 'object' || given === null) return given
  const inputs: Record<string, unknown> = { ...given }
  for (const [alias, name] of Object.entries(aliases)) {
    if (!Object.hasOwn(inputs, alias)) continue
    inputs[name] = inputs[alias]
    delete inputs[alias]
  }
  return inputs
}

export const text = z.string()
export const someText = z.string().min(1)
export const texts = z.array(z.string())
/** Keys and numbers of services: YAML reads `12` as a number, people mean the key. */
export const key = z.union([z.string().min(1), z.int()]).transform(String)
export const optional = <Schema extends z.ZodType>(schema: Schema) => schema.nullish()
