import type { z } from 'zod'
import type { Problem } from './definition.ts'
import type { Gaps } from './gaps.ts'
import { problemsOfIssue } from './schema-problems.ts'
import type { Path, YamlSource } from './yaml-source.ts'

export type Form = { source: YamlSource; problems: Problem[]; gaps: Gaps }

type Issue = z.core.$ZodIssue

/**
 * Reads a part of the file by a schema. What does not fit is told, marked as a gap, and left out or stood in for, so that
 * the rest can be looked at all the same. null where nothing can be made of it. `tells` picks what is told.
 */
export const readOrMend = <Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  path: Path,
  form: Form,
  tells: (issue: Issue) => boolean = () => true,
): z.infer<Schema> | null => {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const { issues } = parsed.error
  for (const issue of issues.filter(tells).slice(0, mostTold)) {
    form.problems.push(...problemsOfIssue(issue, schema, value, path, form.source))
  }
  for (const issue of issues) markGap(issue, path, form.gaps)
  return mended(schema, value, issues)
}

/** Of one kind at one place: after so many there is no news in another. */
const mostTold = 20

const innerPath = (issue: Issue): Path => issue.path.filter((part) => typeof part !== 'symbol')

const markGap = (issue: Issue, path: Path, gaps: Gaps): void => {
  const whole = [...path, ...innerPath(issue)]
  if (issue.code === 'unrecognized_keys') for (const key of issue.keys) gaps.addUnknown(whole, key)
  else gaps.addBroken(whole)
}

/** What is mended may show what else is wrong with it; it does not go deep. */
const mostRounds = 5

const mended = <Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  found: readonly Issue[],
): z.infer<Schema> | null => {
  const copy: unknown = structuredClone(value)
  let issues = found
  for (let round = 0; round < mostRounds; round++) {
    for (const issue of issues) mendOne(copy, issue, round >= mostRounds / 2)
    const parsed = schema.safeParse(copy)
    if (parsed.success) return parsed.data
    issues = parsed.error.issues
  }
  return null
}

/** `whole`: nothing smaller has helped, so the key of the part that it is in goes. */
const mendOne = (copy: unknown, issue: Issue, whole: boolean): void => {
  const path = innerPath(issue)
  if (issue.code === 'unrecognized_keys') {
    const holder = path.reduce<unknown>(within, copy)
    for (const key of issue.keys) if (isRecord(holder)) delete holder[key]
    return
  }
  const at = whole ? path.slice(0, 1) : path
  const holder = at.slice(0, -1).reduce<unknown>(within, copy)
  const key = at.at(-1)
  if (key === undefined || !isRecord(holder)) return
  const standIn = Array.isArray(holder) ? ' ' : standInFor(key, at)
  if (standIn === undefined) delete holder[key]
  else holder[key] = standIn
}

/** What must be there, in a form that fits and means nothing. */
const standIns: Readonly<Record<string, unknown>> = {
  name: 'unnamed',
  type: 'string',
  plugin: ' ',
  action: ' ',
  command: ' ',
  uses: ' ',
  key: ' ',
  policy: 'one',
  condition: 'true',
  error_message: ' ',
  for_each: [],
  max_iterations: 1,
  exit_code: 0,
  shows: null,
  steps: [{}],
}

const standInFor = (key: string | number, path: Path): unknown => {
  if (path.at(-2) === 'inputs') return { type: 'string' }
  return path.at(-2) === 'outputs' || !Object.hasOwn(standIns, key) ? undefined : structuredClone(standIns[key])
}

const within = (value: unknown, key: string | number): unknown =>
  isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined

const isRecord = (value: unknown): value is Record<string | number, unknown> =>
  typeof value === 'object' && value !== null
