import { effectKinds } from '../domain/effect.ts'
import type { Definition, Problem, Step } from '../workflow/language/definition.ts'
import { settersIn } from '../workflow/language/names-set-by.ts'
import { suggestion } from '../workflow/language/nearest.ts'
import { problemAt, readPart } from '../workflow/language/schema-problems.ts'
import { everyStep } from '../workflow/language/steps-within.ts'
import { type Path, readYaml, type YamlSource } from '../workflow/language/yaml-source.ts'
import {
  type Answer,
  type Deed,
  type Fixture,
  fixtureSchema,
  type Start,
  type Test,
  worldEvents,
} from './fixture-schema.ts'
import { isPlace } from './is-place.ts'

/** A case with its defaults filled in. */
export type Case = Omit<Test, 'event' | 'answers' | 'people'> & {
  start: Start
  people: Record<string, string>
  answers: Record<string, Answer[]>
  later: Deed[]
  /** Steps that wait for something to come, and not for a time. */
  receivers: string[]
  /** Where it stands in its file. */
  line: number
}

/** Reads the tests of a workflow. Mistakes are told as the checker tells them; with one of them nothing is run. */
export const readFixture = (
  text: string,
  file: string,
  definition: Definition,
  others: readonly Definition[] = [],
): { cases: Case[]; problems: Problem[] } => {
  const source = readYaml(text, file)
  const problems = [...source.problems]
  if (problems.length > 0) return { cases: [], problems }
  const fixture = readPart(fixtureSchema, source.value, [], source, problems)
  if (fixture === null) return { cases: [], problems }
  const all = [definition, ...others].flatMap(everyStep)
  const steps = all.map((step) => step.name)
  const cases = fixture.tests.map((test, index) => ({
    ...caseOf({ ...fixture.defaults, ...test }, definition, source, index),
    receivers: all.filter(isReceiver).map((step) => step.name),
  }))
  const tell = (path: Path, message: string): void =>
    void problems.push(problemAt(source, source.at(path), path, message))
  tellRepeats(fixture, tell)
  cases.forEach((each, index) => {
    if (!hasStart(each.start)) tell(['tests', index], 'Nothing starts the workflow by itself: say the `event`.')
    tellUnknown(each, fixture, index, { definition, others, steps }, tell)
    tellUnknownExpected(each, ['tests', index, 'expect'], definition, tell)
  })
  return { cases, problems }
}

type Known = { definition: Definition; others: readonly Definition[]; steps: readonly string[] }
type Tell = (path: Path, message: string) => void

const hasStart = (start: Start): boolean => start.event !== undefined || start.comment !== undefined

const tellRepeats = ({ tests }: Fixture, tell: Tell): void => {
  tests.forEach(({ name }, index) => {
    if (tests.findIndex((test) => test.name === name) < index) {
      tell(['tests', index, 'name'], `There is a test "${name}" already.`)
    }
  })
}

/** Names of steps and people that are nowhere: such a test would say nothing, or wait for nobody. */
const tellUnknown = (each: Case, fixture: Fixture, index: number, known: Known, tell: Tell): void => {
  const own = (key: keyof Test): Path =>
    fixture.tests[index]?.[key] === undefined ? ['defaults', key] : ['tests', index, key]
  const step = (path: Path, address: string): void => {
    const name = nameIn(address)
    const { definition, others, steps } = known
    if (!steps.includes(name) && address !== '@start')
      tell(path, `The workflow has no step \`${name}\`.${suggestion(name, steps)}`)
    else if (name !== address && !isPlace(address, definition, others))
      tell(path, `There is a step \`${name}\`, but none at \`${address}\`.`)
  }
  const person = (path: Path, login: string | undefined): void => {
    const people = Object.keys(each.people)
    if (login === undefined || people.includes(login)) return
    tell(path, `\`${login}\` is not among \`people\`.${suggestion(login, people)}`)
  }
  for (const name of Object.keys(each.answers)) step([...own('answers'), name], name)
  if (each.model !== undefined && !Array.isArray(each.model)) {
    for (const name of Object.keys(each.model)) step([...own('model'), name], name)
  }
  for (const name of Object.keys(each.expect?.steps ?? {})) step([...own('expect'), 'steps', name], name)
  each.later.forEach((deed, at) => {
    for (const key of ['when', 'during'] as const) if (deed[key]) step([...own('later'), at, key], deed[key])
    person([...own('later'), at, 'by'], deed.by)
  })
  person([...own('event'), 'by'], each.start.by)
  for (const [name, list] of Object.entries(each.answers)) {
    for (const { by } of list) person([...own('answers'), name], by)
  }
}

/** What is never there can be expected not to be there for ever. */
const tellUnknownExpected = (each: Case, path: Path, definition: Definition, tell: Tell): void => {
  const { variables = {}, effects = {} } = each.expect ?? {}
  const set = [...Object.keys(definition.variables), ...settersIn(everyStep(definition)).keys()]
  for (const name of Object.keys(variables)) {
    const root = name.split('.')[0] as string
    if (set.includes(root)) continue
    tell([...path, 'variables', name], `The workflow sets no variable \`${root}\`.${suggestion(root, set)}`)
  }
  const kinds: [string | number, string][] = Array.isArray(effects)
    ? effects.map(({ kind }, index) => [index, kind])
    : Object.keys(effects).map((kind) => [kind, kind])
  for (const [key, kind] of kinds) {
    if (effectKinds.some((known) => known === kind)) continue
    const hint = suggestion(kind, effectKinds) || ` There are ${effectKinds.join(', ')}.`
    tell([...path, 'effects', key], `There is no kind of effect \`${kind}\`.${hint}`)
  }
}

/** `fan_out/each[2]/write` is a step named `write`. */
const nameIn = (address: string): string => (address.split('/').at(-1) ?? '').replace(/[[:].*$/, '')

const isReceiver = (step: Step): boolean => step.type === 'approval' || (step.type === 'wait' && step.event !== null)

const caseOf = (test: Test, definition: Definition, source: YamlSource, index: number): Omit<Case, 'receivers'> => {
  const { event, answers, people = { alice: 'write' }, ...rest } = test
  return {
    ...rest,
    people,
    start: startOf(event, definition),
    answers: Object.fromEntries(
      Object.entries(answers ?? {}).map(([step, given]) => [step, [given].flat().map(answerOf)]),
    ),
    later: test.later ?? [],
    line: source.at(['tests', index]).line,
  }
}

/** What is not said is taken from the workflow's trigger, so that a case is about what is special in it. */
const startOf = (event: Test['event'], definition: Definition): Start => {
  if (typeof event === 'string' && event.startsWith('/')) return { comment: event }
  const said: Start = typeof event === 'string' ? { event: event as (typeof worldEvents)[number] } : (event ?? {})
  if (said.comment !== undefined) return said
  const trigger = definition.on.find((one) =>
    said.event === undefined ? isWorldly(one.event) : one.event === said.event,
  )
  if (!trigger) return said
  if (trigger.event === 'command.given') {
    return { comment: `/ai ${trigger.fields['command'] ?? 'run'} ${definition.name}`, ...said }
  }
  const { label, state, conclusion, assignee } = trigger.fields as Start
  const fields = { label, state, conclusion, assignee }
  const known = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
  return { event: trigger.event as (typeof worldEvents)[number], ...known, ...said }
}

const isWorldly = (event: string): boolean => event === 'command.given' || worldEvents.some((known) => known === event)

const answerOf = (given: Answer | 'approve' | 'reject' | 'nothing'): Answer =>
  given === 'approve' ? { approve: true } : given === 'reject' ? { reject: true } : given === 'nothing' ? {} : given
