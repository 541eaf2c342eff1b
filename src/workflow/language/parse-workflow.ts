import { z } from 'zod'
import type { Definition, ErrorStrategy, Problem, Step, Trigger } from './definition.ts'
import { readAfterSteps, readSteps, type StepReader } from './parse-steps.ts'
import { problemAt, readPart } from './schema-problems.ts'
import { type RawWorkflow, strategies, triggerSchemas, workflowSchema } from './workflow-schema.ts'
import { type Path, readYaml, type YamlSource } from './yaml-source.ts'

export type ParsedWorkflow = {
  /** null when there is an error among the problems. */
  definition: Definition | null
  problems: Problem[]
  source: YamlSource
  /** Where each step stands in the file. */
  paths: Map<Step, Path>
}

/** Reads a workflow file: syntax and form. Whether its names mean anything is the checker's question. */
export const parseWorkflow = (text: string, file: string): ParsedWorkflow => {
  const source = readYaml(text, file)
  const problems = [...source.problems]
  const paths = new Map<Step, Path>()
  const failed = { definition: null, problems, source, paths }
  if (problems.length > 0) return failed
  if (!isObject(source.value)) {
    problems.push(problemAt(source, source.at([]), [], 'A workflow is an object with a `name` and `steps`.'))
    return failed
  }
  const raw = readPart(outline, source.value, [], source, problems)
  const reader = readerOf(source, problems, paths)
  const on = readTriggers(source.value['on'], source, problems)
  const steps = readSteps(source.value['steps'], ['steps'], reader)
  const after = isObject(source.value['post_execution']) ? source.value['post_execution'] : {}
  const postExecution = {
    always: readAfterSteps(after['always'], ['post_execution', 'always'], reader),
    onSuccess: readAfterSteps(after['on_success'], ['post_execution', 'on_success'], reader),
    onFailure: readAfterSteps(after['on_failure'], ['post_execution', 'on_failure'], reader),
  }
  if (raw === null || problems.some(({ severity }) => severity === 'error')) return failed
  return { ...failed, definition: { ...outlineOf(raw), on, steps, postExecution } }
}

const outline = workflowSchema(z.unknown(), z.unknown(), z.unknown())

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Read before the rest is known to fit, so that every mistake of the file is told at once. */
const readerOf = (source: YamlSource, problems: Problem[], paths: Map<Step, Path>): StepReader => {
  const { kind, error_handling: handling } = source.value as Record<string, unknown>
  const told = isObject(handling) ? handling : {}
  const overrides = isObject(told['step_overrides']) ? told['step_overrides'] : {}
  const fitting = Object.entries(overrides).filter((entry): entry is [string, ErrorStrategy] => isStrategy(entry[1]))
  return {
    source,
    problems,
    paths,
    kind: typeof kind === 'string' ? kind : 'development',
    defaultStrategy: isStrategy(told['default_strategy']) ? told['default_strategy'] : 'fail',
    overrides: Object.fromEntries(fitting),
  }
}

const isStrategy = (value: unknown): value is ErrorStrategy => strategies.some((strategy) => strategy === value)

const readTriggers = (value: unknown, source: YamlSource, problems: Problem[]): Trigger[] =>
  Array.isArray(value) ? value.flatMap((item, index) => readTrigger(item, ['on', index], source, problems) ?? []) : []

const readTrigger = (value: unknown, path: Path, source: YamlSource, problems: Problem[]): Trigger | null => {
  if (isObject(value) && Object.hasOwn(value, 'event')) {
    const raw = readPart(triggerSchemas.event, value, path, source, problems)
    if (raw === null) return null
    const { event, ...fields } = raw
    return { event, fields: onlyTexts(fields), schedule: null }
  }
  if (isObject(value) && Object.hasOwn(value, 'command')) {
    const raw = readPart(triggerSchemas.command, value, path, source, problems)
    return raw && { event: 'command.given', fields: { command: raw.command }, schedule: null }
  }
  if (isObject(value) && Object.hasOwn(value, 'schedule')) {
    const raw = readPart(triggerSchemas.schedule, value, path, source, problems)
    if (raw === null) return null
    const { schedule, repository } = raw
    return { event: 'schedule.due', fields: {}, schedule, ...(repository !== undefined && { repository }) }
  }
  problems.push(problemAt(source, source.at(path), path, 'A trigger says `event`, `command` or `schedule`.'))
  return null
}

const onlyTexts = (fields: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined))

const outlineOf = (raw: RawWorkflow): Omit<Definition, 'on' | 'steps' | 'postExecution'> => ({
  name: raw.name,
  description: raw.description ?? '',
  version: raw.version ?? '1.0.0',
  kind: raw.kind ?? 'development',
  inputs: Object.fromEntries(Object.entries(raw.inputs ?? {}).map(([name, input]) => [name, inputOf(input)])),
  variables: raw.variables ?? {},
  concurrency: raw.concurrency ?? null,
  limits: {
    maxCostUsd: raw.limits?.max_cost_usd ?? null,
    maxTokens: raw.limits?.max_tokens ?? null,
    maxMinutes: raw.limits?.max_minutes ?? null,
  },
  prerequisites: (raw.prerequisites ?? []).map((item) => ({
    condition: item.condition,
    errorMessage: item.error_message,
  })),
  successCriteria: (raw.success_criteria ?? []).map((item) => ({
    condition: item.condition,
    description: item.description ?? '',
  })),
})

const inputOf = (input: NonNullable<RawWorkflow['inputs']>[string]) => ({
  type: input.type,
  required: input.required ?? false,
  default: input.default ?? null,
  description: input.description ?? null,
})
