import { z } from 'zod'
import { systemActionSpecs } from '../actions/specs.ts'
import type { ErrorStrategy, Problem, RetryPolicy, Step } from './definition.ts'
import { nearest, suggestion } from './nearest.ts'
import { problemAt, readPart } from './schema-problems.ts'
import { ceilings, type StepSchemas, type StepType, stepSchemas, withoutName } from './workflow-schema.ts'
import type { Path, YamlSource } from './yaml-source.ts'

/** What the reading of steps needs to know of the file around them. */
export type StepReader = {
  source: YamlSource
  problems: Problem[]
  /** Where each step that was read stands in the file. */
  paths: Map<Step, Path>
  kind: string
  defaultStrategy: ErrorStrategy
  overrides: Record<string, ErrorStrategy>
}

export const readSteps = (value: unknown, path: Path, reader: StepReader): Step[] => {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) {
    reader.problems.push(
      problemAt(reader.source, reader.source.at(path), path, `\`${path.at(-1)}\` must be a list of steps.`),
    )
    return []
  }
  return bounded(value).flatMap((item, index) => readStep(item, [...path, index], reader, false) ?? [])
}

/** One more than there may be, so that the check says that there are too many; no file keeps the reader busy for long. */
const bounded = (list: unknown[]): unknown[] => list.slice(0, ceilings.steps + 1)

/** `post_execution`: a step may be nothing but an action, whose name it then bears. */
export const readAfterSteps = (value: unknown, path: Path, reader: StepReader): Step[] => {
  if (!Array.isArray(value)) return []
  const taken = new Set<string>()
  // A run that has ended undoes nothing: what is the default for its steps cannot be meant for what comes after them.
  const defaultStrategy = reader.defaultStrategy === 'rollback' ? 'fail' : reader.defaultStrategy
  return bounded(value).flatMap((item, index) => {
    const step = readStep(item, [...path, index], { ...reader, defaultStrategy }, true)
    if (!step) return []
    if (!hasName(item)) step.name = free(step.name, taken)
    taken.add(step.name)
    return [step]
  })
}

const hasName = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.hasOwn(value, 'name')

const free = (name: string, taken: Set<string>): string => {
  let found = name
  for (let count = 2; taken.has(found); count++) found = `${name}_${count}`
  return found
}

/** More mistakes than anybody reads: the rest is looked at when these are mended. */
export const mostProblems = 200

const readStep = (value: unknown, path: Path, reader: StepReader, nameless: boolean): Step | null => {
  const { source, problems } = reader
  if (problems.length > mostProblems || reader.paths.size > ceilings.steps) return null
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    problems.push(problemAt(source, source.at(path), path, 'A step must be an object with a name.'))
    return null
  }
  const type = typeOf(value as Record<string, unknown>, path, reader)
  if (type === null) return null
  const schema = type === 'system' && nameless ? withoutName(schemas.system) : schemas[type]
  const foreign = foreignKeys(value, type)
  for (const [key, owners] of foreign) {
    const message = `A \`${type}\` step takes no \`${key}\`: it belongs to ${owners.join(', ')}.`
    problems.push(problemAt(source, source.atKey(path, key), [...path, key], message))
  }
  const raw = readPart(schema, without(value, foreign), path, source, problems)
  const nested = nestedSteps(value as Record<string, unknown>, path, reader)
  return raw === null ? null : finish(type, raw, nested, path, reader)
}

/** Keys of this step that steps of other types have, with those types. */
const foreignKeys = (value: object, type: StepType): [string, string[]][] =>
  Object.keys(value).flatMap((key): [string, string[]][] => {
    if (Object.hasOwn(schemas[type].shape, key)) return []
    const owners = Object.entries(schemas).filter(([, schema]) => Object.hasOwn(schema.shape, key))
    return owners.length === 0 ? [] : [[key, owners.map(([owner]) => owner)]]
  })

const without = (value: object, keys: [string, string[]][]): object =>
  keys.length === 0
    ? value
    : Object.fromEntries(Object.entries(value).filter(([key]) => !keys.some(([name]) => name === key)))

const schemas: StepSchemas = stepSchemas(z.unknown())

const typeOf = (value: Record<string, unknown>, path: Path, reader: StepReader): StepType | null => {
  const { source, problems } = reader
  const { type } = value
  if (type !== undefined) {
    if (typeof type === 'string' && Object.hasOwn(schemas, type)) return type as StepType
    const known = Object.keys(schemas)
    const near = typeof type === 'string' ? suggestion(type, known) : ''
    const what = typeof type === 'string' ? `There is no step type \`${type.slice(0, 60)}\`.` : '`type` must be a text.'
    const message = `${what}${near || ` There are ${known.join(', ')}.`}`
    problems.push(problemAt(source, source.at([...path, 'type']), [...path, 'type'], message))
    return null
  }
  const telling = tellingKeys.find(([key]) => Object.hasOwn(value, key))
  if (telling) return telling[1]
  if (isSystemAction(value['action'])) return 'system'
  problems.push(problemAt(source, source.at(path), path, messageForUntyped(value)))
  return null
}

const isSystemAction = (action: unknown): boolean =>
  typeof action === 'string' && Object.hasOwn(systemActionSpecs, action)

const messageForUntyped = (value: Record<string, unknown>): string => {
  const telling = tellingKeys.map(([key]) => key)
  const [mistyped] = Object.keys(value).flatMap((key) => {
    const meant = nearest(key, ['type', ...telling])
    return meant === null || key === meant ? [] : [`There is no key \`${key}\` of a step. Did you mean \`${meant}\`?`]
  })
  if (mistyped !== undefined) return mistyped
  if (typeof value['action'] !== 'string') return 'The step says neither `plugin` nor `type`: what shall it do?'
  const near = nearest(value['action'], Object.keys(systemActionSpecs))
  const hint = near ? ` Or did you mean the system action \`${near}\`?` : ''
  return `The step has the action \`${value['action']}\` but says no \`plugin\`.${hint}`
}

/** What a step is when it does not say: the key that only one type has. */
export const tellingKeys: readonly (readonly [string, StepType])[] = [
  ['plugin', 'plugin'],
  ['agent', 'ai_action'],
  ['prompt_template', 'ai_action'],
  ['prompt', 'ai_action'],
  ['command', 'run'],
  ['for_each', 'loop'],
  ['then', 'conditional'],
  ['else', 'conditional'],
  ['shows', 'approval'],
  ['approvers', 'approval'],
  ['uses', 'workflow'],
]

type Nested = Record<'then' | 'else' | 'steps', Step[]>

const nestedSteps = (value: Record<string, unknown>, path: Path, reader: StepReader): Nested => {
  const read = (key: string): Step[] => (Object.hasOwn(value, key) ? readSteps(value[key], [...path, key], reader) : [])
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word of the language.
  return { then: read('then'), else: read('else'), steps: read('steps') }
}

type Raw = { [Type in StepType]: z.infer<StepSchemas[Type]> }

const finish = (type: StepType, raw: unknown, nested: Nested, path: Path, reader: StepReader): Step => {
  const build = builders[type] as (raw: unknown, nested: Nested, reader: StepReader) => Record<string, unknown>
  const step = { ...commonOf(raw as CommonRaw, path, reader), ...build(raw, nested, reader), type } as Step
  reader.paths.set(step, path)
  return step
}

type CommonRaw = Omit<Raw['system'], 'name' | 'type'> & { name?: string }

const commonOf = (raw: CommonRaw, path: Path, reader: StepReader) => {
  const name = raw.name ?? raw.action
  const override = Object.hasOwn(reader.overrides, name) ? reader.overrides[name] : undefined
  const onError = raw.on_error ?? override ?? reader.defaultStrategy
  return {
    name,
    description: raw.description ?? null,
    condition: raw.condition ?? null,
    onError,
    retry: retryOf(raw, onError),
    timeoutSeconds: raw.timeout ?? null,
    needs: raw.needs ?? [],
    outputs: raw.outputs ?? {},
    position: reader.source.at(path),
  }
}

const retriesUnlessTold = 3

const retryOf = (raw: CommonRaw, onError: ErrorStrategy): RetryPolicy => ({
  count: onError === 'retry' ? (raw.retry_count ?? raw.retry?.count ?? retriesUnlessTold) : 0,
  backoff: raw.retry?.backoff ?? 'exponential',
  initialSeconds: raw.retry?.initial_seconds ?? 2,
  maxSeconds: raw.retry?.max_seconds ?? 60,
  jitter: raw.retry?.jitter ?? 'full',
})

type Builders = { [Type in StepType]: (raw: Raw[Type], nested: Nested, reader: StepReader) => Record<string, unknown> }

const builders: Builders = {
  plugin: (raw) => ({
    plugin: raw.plugin,
    action: raw.action,
    inputs: raw.inputs ?? {},
    rollback: callOf(raw.rollback),
  }),
  ai_action: (raw, _nested, reader) => {
    const agent = raw.agent ?? reader.kind
    const template = raw.prompt_template ?? (raw.prompt === undefined ? `prompts/${agent}.njk` : null)
    const { inputs = {}, prompt = null } = raw
    return { agent, promptTemplate: template, prompt, inputs, rollback: callOf(raw.rollback) }
  },
  run: (raw) => ({
    command: raw.command,
    accept: raw.accept ? { exitCode: [raw.accept.exit_code].flat() } : null,
    network: raw.network ?? false,
  }),
  conditional: (raw, nested) => {
    // biome-ignore lint/suspicious/noThenProperty: `then` is the word of the language.
    return { condition: null, test: raw.condition, then: nested.then, else: nested.else }
  },
  parallel: (raw, nested) => ({
    maxConcurrency: raw.max_concurrency ?? 4,
    failFast: raw.fail_fast ?? true,
    steps: nested.steps,
  }),
  loop: (raw, nested) => ({
    forEach: raw.for_each,
    as: raw.as ?? 'item',
    maxIterations: raw.max_iterations,
    maxConcurrency: raw.max_concurrency ?? 1,
    steps: nested.steps,
  }),
  approval: (raw) => ({
    shows: raw.shows ?? null,
    approvers: raw.approvers ?? ['role:write'],
    onTimeout: raw.on_timeout ?? 'reject',
  }),
  wait: (raw) => ({ event: raw.event ?? null, seconds: raw.seconds ?? null }),
  workflow: (raw) => ({ uses: raw.uses, inputs: raw.inputs ?? {} }),
  system: (raw) => ({ action: raw.action, inputs: raw.inputs ?? {} }),
}

const callOf = (raw: Raw['plugin']['rollback']) =>
  raw ? { plugin: raw.plugin, action: raw.action, inputs: raw.inputs ?? {} } : null
