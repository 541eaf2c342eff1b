import type { Expected } from './fixture-schema.ts'
import { type Difference, differencesOf, isLike, occursIn } from './match-value.ts'
import type { Outcome, OutcomeStep } from './outcome.ts'

/** A machine that is busy takes time of its own between the end of a wait and its look at the clock. */
const fewSeconds = 5

/** What did not come out as the case expects, key by key in the order of the schema; nothing when all did. */
export const compareOutcome = (expected: Expected, outcome: Outcome): Difference[] => [
  ...state(expected, outcome),
  ...failure(expected, outcome),
  ...steps(expected, outcome),
  ...variables(expected, outcome),
  ...effects(expected, outcome),
  ...pullRequest(expected, outcome),
  ...issue(expected, outcome),
  ...comments(expected, outcome),
  ...(expected.branches ? unordered('branches', expected.branches, outcome.branches) : []),
  ...amount('cost', expected.cost, outcome.costUsd, 0.00005),
  ...amount('waited', expected.waited, outcome.waited, fewSeconds),
]

const state = ({ state: said, failure: failed }: Expected, outcome: Outcome): Difference[] => {
  // One that never began has failed with nothing, and neither has one that is done.
  if (said === undefined && failed !== undefined) return ended.has(outcome.state) ? [] : [failedNot(outcome)]
  return differencesOf('state', said ?? 'done', outcome.state)
}

const ended: ReadonlySet<string> = new Set(['failed', 'stopped', 'refused'])
const failedNot = ({ state: actual }: Outcome): Difference => ({ key: 'state', expected: 'failed', actual })

const failure = ({ failure: said }: Expected, { failure: found }: Outcome): Difference[] => {
  if (said === undefined) return []
  const { code, message } = typeof said === 'string' ? { code: said, message: undefined } : said
  const wrongWords = message !== undefined && !occursIn(message, found?.message ?? '')
  return [
    ...(code === undefined ? [] : differencesOf('failure', code, found?.code ?? null)),
    ...(wrongWords ? [{ key: 'failure.message', expected: message, actual: found?.message ?? null }] : []),
  ]
}

const steps = (expected: Expected, outcome: Outcome): Difference[] => {
  const said = Object.entries(expected.steps ?? {})
  const named = new Set<OutcomeStep>()
  const differences = said.flatMap(([address, wanted]) => {
    const found = stepsAt(address, outcome.steps)
    for (const step of found) named.add(step)
    if (wanted === 'absent')
      return found.map((step) => ({ key: `steps.${step.address}`, expected: wanted, actual: step.state }))
    if (found.length === 0) return [{ key: `steps.${address}`, expected: wanted, actual: 'absent' }]
    return found.flatMap((step) => oneStep(wanted, step))
  })
  if (expected.exactly !== true) return differences
  const others = outcome.steps.filter((step) => !named.has(step) && !step.address.startsWith('@'))
  return [
    ...differences,
    ...others.map((step) => ({ key: `steps.${step.address}`, expected: 'absent', actual: step.state })),
  ]
}

/** An address, or a name that stands for every step of that name. */
const stepsAt = (address: string, all: OutcomeStep[]): OutcomeStep[] => {
  const exact = all.filter((step) => step.address === address)
  return exact.length > 0 ? exact : all.filter((step) => step.name === address && !step.address.startsWith('@'))
}

const oneStep = (wanted: NonNullable<Expected['steps']>[string], step: OutcomeStep): Difference[] => {
  const key = `steps.${step.address}`
  if (typeof wanted === 'string') return differencesOf(key, wanted, step.state)
  const { reason, ...rest } = wanted
  const wrongReason = reason !== undefined && !occursIn(reason, step.reason ?? '')
  return [
    ...Object.entries(rest).flatMap(([name, value]) =>
      differencesOf(`${key}.${name}`, value, step[name as keyof OutcomeStep]),
    ),
    ...(wrongReason ? [{ key: `${key}.reason`, expected: reason, actual: step.reason }] : []),
  ]
}

const variables = ({ variables: said = {} }: Expected, { variables: found }: Outcome): Difference[] =>
  Object.entries(said).flatMap(([path, wanted]) => differencesOf(`variables.${path}`, wanted, valueAt(found, path)))

const valueAt = (values: Record<string, unknown>, path: string): unknown =>
  path.split('.').reduce<unknown>((inner, key) => {
    if (typeof inner !== 'object' || inner === null) return undefined
    return Object.hasOwn(inner, key) ? (inner as Record<string, unknown>)[key] : undefined
  }, values)

const effects = ({ effects: said }: Expected, { effects: found }: Outcome): Difference[] => {
  if (said === undefined) return []
  const list = Array.isArray(said) ? said : Object.entries(said).map(([kind, times]) => ({ kind, target: '*', times }))
  return list.flatMap(({ kind, target = '*', times }) => {
    const matching = found.filter((effect) => effect.kind === kind && isLike(target, effect.target)).length
    const holds = times === undefined ? matching > 0 : matching === times
    const key = `effects.${kind}${target === '*' ? '' : ` on ${target}`}`
    return holds ? [] : [{ key, expected: times ?? 'at least 1', actual: matching }]
  })
}

const pullRequest = ({ pull_request: said }: Expected, { pull }: Outcome): Difference[] => {
  if (said === undefined) return []
  if (said === null) return pull === null ? [] : [{ key: 'pull_request', expected: null, actual: pull.title }]
  if (pull === null) return [{ key: 'pull_request', expected: said, actual: null }]
  const { body, labels, files, ...plain } = said
  const found = { ...pull, branch: pull.head, state: pull.merged ? 'merged' : pull.state }
  return [
    ...differencesOf('pull_request', plain, found),
    ...(body === undefined || occursIn(body, pull.body)
      ? []
      : [{ key: 'pull_request.body', expected: body, actual: pull.body }]),
    ...(labels === undefined ? [] : unordered('pull_request.labels', labels, pull.labels)),
    ...filesOf(files, pull.files),
  ]
}

type Files = NonNullable<NonNullable<Expected['pull_request']>['files']>

const filesOf = (said: Files | undefined, found: Record<string, string | null>): Difference[] => {
  if (said === undefined) return []
  if (Array.isArray(said)) return unordered('pull_request.files', said, Object.keys(found))
  return Object.entries(said).flatMap(([path, words]) => {
    const text = found[path] ?? null
    return text !== null && occursIn(words, text)
      ? []
      : [{ key: `pull_request.files.${path}`, expected: words, actual: text }]
  })
}

const issue = ({ issue: said }: Expected, { issue: found }: Outcome): Difference[] => {
  if (said === undefined) return []
  const { body, labels = [], without_labels: without = [], ...plain } = said
  const missing = labels.filter((label) => !found.labels.some((one) => isLike(label, one)))
  const unwanted = without.filter((label) => found.labels.some((one) => isLike(label, one)))
  return [
    ...differencesOf('issue', plain, found),
    ...(body === undefined || occursIn(body, found.body)
      ? []
      : [{ key: 'issue.body', expected: body, actual: found.body }]),
    ...missing.map((label) => ({ key: 'issue.labels', expected: label, actual: found.labels })),
    ...unwanted.map((label) => ({ key: 'issue.without_labels', expected: label, actual: found.labels })),
  ]
}

const comments = (expected: Expected, { comments: found }: Outcome): Difference[] => {
  const { comments: wanted = [], no_comments: unwanted = [] } = expected
  return [
    ...wanted
      .filter((words) => !found.some((text) => occursIn(words, text)))
      .map((words) => ({ key: 'comments', expected: words, actual: found })),
    ...unwanted
      .filter((words) => found.some((text) => occursIn(words, text)))
      .map((words) => ({ key: 'no_comments', expected: words, actual: found })),
  ]
}

const unordered = (key: string, wanted: string[], found: string[]): Difference[] => {
  const left = [...found]
  const missing = wanted.filter((pattern) => {
    const at = left.findIndex((text) => isLike(pattern, text))
    if (at !== -1) left.splice(at, 1)
    return at === -1
  })
  return missing.length + left.length === 0 ? [] : [{ key, expected: wanted, actual: found }]
}

const amount = (key: 'cost' | 'waited', said: Expected['cost'], found: number, tolerance: number): Difference[] => {
  if (said === undefined) return []
  if (typeof said === 'number') {
    return Math.abs(said - found) <= tolerance ? [] : [{ key, expected: said, actual: found }]
  }
  const { at_most: most = Number.POSITIVE_INFINITY, at_least: least = 0 } = said
  return found <= most && found >= least ? [] : [{ key, expected: said, actual: found }]
}
