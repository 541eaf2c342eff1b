import { z } from 'zod'
import type { Definition, ErrorStrategy, Problem, Step, Trigger } from './definition.ts'
import { type Gaps, newGaps } from './gaps.ts'
import { readOrMend } from './mend-part.ts'
import { readAfterSteps, readSteps, type StepReader } from './parse-steps.ts'
import { problemAt } from './schema-problems.ts'
import { type RawWorkflow, strategies, triggerSchemas, workflowSchema } from './workflow-schema.ts'
import { type Path, readYaml, type YamlSource } from './yaml-source.ts'

export type ParsedWorkflow = {
  /** null when there is an error among the problems. */
  definition: Definition | null
  /** The same as far as it can be understood where something is wrong; null when that is nothing. */
  sketch: Definition | null
  /** What of the sketch may be otherwise. */
  gaps: Gaps
  problems: Problem[]
  source: YamlSource
  /** Where each step and each trigger stands in the file. */
  paths: Map<Step | Trigger, Path>
}

/** Reads a workflow file: syntax and form. Whether its names mean anything is the checker's question. */
export const parseWorkflow = (text: string, file: string): ParsedWorkflow => {
  const source = readYaml(text, file)
  const problems = [...source.problems]
  const paths = new Map<Step | Trigger, Path>()
  const gaps = newGaps(source.value)
  const failed = { definition: null, sketch: null, gaps, problems, source, paths }
  if (problems.length > 0) return failed
  if (!isObject(source.value)) {
    problems.push(problemAt(source, source.at([]), [], 'A workflow is an object with a `name` and `steps`.'))
    return failed
  }
  const raw = readOrMend(outline, source.value, [], { source, problems, gaps })
  const reader = readerOf(source, problems, paths, gaps)
  const steps = readSteps(source.value['steps'], ['steps'], reader)
  const after = isObject(source.value['post_execution']) ? source.value['post_execution'] : {}
  const postExecution = {
    always: readAfterSteps(after['always'], ['post_execution', 'always'], reader),
    onSuccess: readAfterSteps(after['on_success'], ['post_execution', 'on_success'], reader),
    onFailure: readAfterSteps(after['on_failure'], ['post_execution', 'on_failure'], reader),
  }
  const on = readTriggers(source.value['on'], reader)
  const sketch = raw && { ...outlineOf(raw), on, steps, postExecution }
  const isBad = problems.some(({ severity }) => severity === 'error')
  return { ...failed, sketch, definition: isBad ? null : sketch }
}

const outline = workflowSchema(z.unknown(), z.unknown(), z.unknown())

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Read before the rest is known to fit, so that every mistake of the file is told at once. */
const readerOf = (
  source: YamlSource,
  problems: Problem[],
  paths: Map<Step | Trigger, Path>,
  gaps: Gaps,
): StepReader => {
  const { kind, error_handling: handling } = source.value as Record<string, unknown>
  const told = isObject(handling) ? handling : {}
  const overrides = isObject(told['step_overrides']) ? told['step_overrides'] : {}
  const fitting = Object.entries(overrides).filter((entry): entry is [string, ErrorStrategy] => isStrategy(entry[1]))
  return {
    source,
    problems,
    paths,
    gaps,
    kind: typeof kind === 'string' ? kind : 'development',
    defaultStrategy: isStrategy(told['default_strategy']) ? told['default_strategy'] : 'fail',
    overrides: Object.fromEntries(fitting),
  }
}

const isStrategy = (value: unknown): value is ErrorStrategy => strategies.some((strategy) => strategy === value)

const readTriggers = (value: unknown, reader: StepReader): Trigger[] =>
  Array.isArray(value)
    ? value.flatMap((item, index) => {
        const trigger = readTrigger(item, ['on', index], reader)
        if (trigger) reader.paths.set(trigger, ['on', index])
        return trigger ?? []
      })
    : []

const readTrigger = (value: unknown, path: Path, reader: StepReader): Trigger | null => {
  if (isObject(value) && Object.hasOwn(value, 'event')) {
    const raw = readOrMend(triggerSchemas.event, value, path, reader)
    if (raw === null) return null
    const { event, ...fields } = raw
    return { event, fields: onlyTexts(fields), schedule: null }
  }
  if (isObject(value) && Object.hasOwn(value, 'command')) {
    const raw = readOrMend(triggerSchemas.command, value, path, reader)
    return raw && { event: 'command.given', fields: { command: raw.command }, schedule: null }
  }
  if (isObject(value) && Object.hasOwn(value, 'schedule')) {
    const raw = readOrMend(triggerSchemas.schedule, value, path, reader)
    if (raw === null) return null
    const { schedule, repository } = raw
    return { event: 'schedule.due', fields: {}, schedule, ...(repository !== undefined && { repository }) }
  }
  reader.problems.push(
    problemAt(reader.source, reader.source.at(path), path, 'A trigger says `event`, `command` or `schedule`.'),
  )
  reader.gaps.addBroken(path)
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
