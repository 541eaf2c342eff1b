import { z } from 'zod'
import { systemActionSpecs } from '../actions/specs.ts'
import type { ErrorStrategy, RetryPolicy, Step } from './definition.ts'
import { type Form, readOrMend } from './mend-part.ts'
import { nearest, suggestion } from './nearest.ts'
import { problemAt } from './schema-problems.ts'
import { noName, unreadStep } from './unread-step.ts'
import {
  ceilings,
  everyStepKeys,
  type StepSchemas,
  type StepType,
  stepSchemas,
  withoutName,
} from './workflow-schema.ts'
import type { Path } from './yaml-source.ts'

/** What the reading of steps needs to know of the file around them. */
export type StepReader = Form & {
  /** Where each step stands in the file. */
  paths: Map<object, Path>
  kind: string
  defaultStrategy: ErrorStrategy
  overrides: Record<string, ErrorStrategy>
}

/** A list, or what stands in for one that cannot be read: it may hold anything. */
export const readSteps = (value: unknown, path: Path, reader: StepReader): Step[] => {
  if (!Array.isArray(value)) return reader.gaps.isBroken(path) ? [unread(path, reader)] : []
  return bounded(value).flatMap((item, index) => readStep(item, [...path, index], reader, false) ?? [])
}

const unread = (path: Path, reader: StepReader): Step => {
  reader.gaps.addBroken(path)
  const step = unreadStep(reader.source.at(path))
  reader.paths.set(step, path)
  return step
}

/** One more than there may be, so that the check says that there are too many; no file keeps the reader busy for long. */
const bounded = (list: unknown[]): unknown[] => list.slice(0, ceilings.steps + 1)

/** `post_execution`: a step may be nothing but an action, whose name it then bears. */
export const readAfterSteps = (value: unknown, path: Path, reader: StepReader): Step[] => {
  if (!Array.isArray(value)) return readSteps(value, path, reader)
  const taken = new Set<string>()
  // A run that has ended undoes nothing: what is the default for its steps cannot be meant for what comes after them.
  const defaultStrategy = reader.defaultStrategy === 'rollback' ? 'fail' : reader.defaultStrategy
  return bounded(value).flatMap((item, index) => {
    const step = readStep(item, [...path, index], { ...reader, defaultStrategy }, true)
    if (!step) return []
    if (!hasName(item) && step.name !== noName) step.name = free(step.name, taken)
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
  const { source, problems, gaps } = reader
  if (problems.length > mostProblems || reader.paths.size > ceilings.steps) return null
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    problems.push(problemAt(source, source.at(path), path, 'A step must be an object with a name.'))
    return unread(path, reader)
  }
  const raw = value as Record<string, unknown>
  const type = typeOf(raw, path, reader)
  if (type === null) return readUntyped(raw, path, reader, nameless)
  const schema = type === 'system' && nameless ? withoutName(schemas.system) : schemas[type]
  const foreign = foreignKeys(value, type)
  for (const [key, owners] of foreign) {
    const message = `A \`${type}\` step takes no \`${key}\`: it belongs to ${owners.join(', ')}.`
    problems.push(problemAt(source, source.atKey(path, key), [...path, key], message))
    gaps.addUnknown(path, key)
    gaps.addBroken([...path, 'type'])
  }
  const read = readOrMend(schema, without(value, foreign), path, reader)
  if (isMistyped(raw, type)) gaps.addBroken([...path, 'type'])
  const nested = nestedSteps(raw, type, path, reader)
  return read === null ? unread(path, reader) : finish(type, read, nested, path, reader)
}

/** What the step is has been told to be a mistake; what every step has, and what it holds, is looked at all the same. */
const readUntyped = (value: Record<string, unknown>, path: Path, reader: StepReader, nameless: boolean): Step => {
  reader.gaps.addBroken([...path, 'type'])
  const type = telling(value) ?? (Object.hasOwn(value, 'steps') ? 'loop' : 'system')
  const { type: _, ...rest } = value
  const foreign = foreignKeys(rest, type)
  for (const [key] of foreign) reader.gaps.addUnknown(path, key)
  const schema = nameless && type === 'system' ? withoutName(schemas.system) : schemas[type]
  const isOfEvery = (issue: z.core.$ZodIssue): boolean => everyStepKeys.some((key) => key === issue.path[0])
  const read = readOrMend(schema, without(rest, foreign), path, reader, isOfEvery)
  const nested = nestedSteps(value, type, path, reader)
  return read === null ? unread(path, reader) : finish(type, read, nested, path, reader)
}

/** Without a `type`, a key that is nearly one that tells it: the step may be another than it seems. */
const isMistyped = (value: Record<string, unknown>, type: StepType): boolean =>
  !Object.hasOwn(value, 'type') &&
  Object.keys(value).some((key) => !Object.hasOwn(schemas[type].shape, key) && nearest(key, tellingWords) !== null)

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
  const told = telling(value)
  if (told) return told
  if (isSystemAction(value['action'])) return 'system'
  problems.push(problemAt(source, source.at(path), path, messageForUntyped(value)))
  return null
}

const telling = (value: Record<string, unknown>): StepType | undefined =>
  tellingKeys.find(([key]) => Object.hasOwn(value, key))?.[1]

const isSystemAction = (action: unknown): boolean =>
  typeof action === 'string' && Object.hasOwn(systemActionSpecs, action)

const messageForUntyped = (value: Record<string, unknown>): string => {
  const [mistyped] = Object.keys(value).flatMap((key) => {
    const meant = nearest(key, tellingWords)
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

const tellingWords: readonly string[] = ['type', ...tellingKeys.map(([key]) => key)]

type Nested = Record<'then' | 'else' | 'steps', Step[]>

const nestedSteps = (value: Record<string, unknown>, type: StepType, path: Path, reader: StepReader): Nested => {
  const read = (key: string): Step[] =>
    Object.hasOwn(value, key) || Object.hasOwn(schemas[type].shape, key)
      ? readSteps(value[key], [...path, key], reader)
      : []
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word of the language.
  return { then: read('then'), else: read('else'), steps: read('steps') }
}

type Raw = { [Type in StepType]: z.infer<StepSchemas[Type]> }

const finish = (type: StepType, raw: unknown, nested: Nested, path: Path, reader: StepReader): Step => {
  const build = builders[type] as (raw: unknown, nested: Nested, reader: StepReader) => Record<string, unknown>
  const step = { ...commonOf(raw as CommonRaw, path, reader), ...build(raw, nested, reader), type } as Step
  // What it sets would follow from its action: that of a step which may be another is not sure.
  if (step.type === 'system' && reader.gaps.isBroken([...path, 'type'])) step.action = ' '
  if (!reader.gaps.isClear([...path, 'needs'])) step.needs = []
  if (!hasClearName(raw as CommonRaw, path, reader)) step.name = noName
  reader.paths.set(step, path)
  return step
}

/** Without a name of its own a step bears that of its action. */
const hasClearName = (raw: CommonRaw, path: Path, { gaps }: StepReader): boolean =>
  gaps.isClear([...path, 'name']) &&
  (raw.name !== undefined || (gaps.isClear([...path, 'action']) && !gaps.isBroken([...path, 'type'])))

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
