import { usd } from '../domain/money.ts'
import type { FailedAttempt, StepState } from '../domain/run.ts'
import type { StepLine } from '../store/run-states.ts'
import { iso } from './run-line.ts'

/** A step with what it holds. `pending`: of the definition, and not begun; `place`: an iteration or a built-in place. */
export type StepNode = {
  address: string
  label: string
  kind: string
  state: StepState | 'pending' | 'place'
  attempts: number
  costUsd: number
  startedAt: string | null
  finishedAt: string | null
  /** What it is doing, why it was skipped, or how it failed. */
  note: string | null
  retryInSeconds: number | null
  /** The tries before the present one, oldest first. */
  failedAttempts: FailedAttempt[]
  steps: StepNode[]
}

/**
 * The journal's rows as a tree, by their addresses: `choose:then/fix` stands under `choose`, `each[3]/fix` under the fourth
 * turn of `each`, `@rollback/create_branch` under the place `@rollback`. Rows keep their order; what the plan has and the
 * journal has not follows as pending.
 */
export const stepTree = (rows: StepLine[], plan: { name: string; description: string }[]): StepNode[] => {
  const top: StepNode[] = []
  const byAddress = new Map<string, StepNode>()
  const described = new Map(plan.map((step) => [step.name, step.description]))
  const listOf = (parent: string | null): StepNode[] => {
    if (parent === null) return top
    const known = byAddress.get(parent)
    if (known) return known.steps
    const node = place(parent)
    byAddress.set(parent, node)
    listOf(parentOf(parent)).push(node)
    return node.steps
  }
  for (const row of [...rows].sort((a, b) => depthOf(a.address) - depthOf(b.address))) {
    if (row.address.endsWith('@start') && row.state !== 'failed') continue
    const node = nodeOf(row, described.get(row.address))
    byAddress.set(row.address, node)
    listOf(parentOf(row.address)).push(node)
  }
  const pending = plan.filter(({ name }) => !byAddress.has(name)).map(pendingNode)
  return inPlanOrder([...top, ...pending], plan)
}

/** Steps of a graph begin when they can; people read them in the order of the file, built-in places last. */
const inPlanOrder = (nodes: StepNode[], plan: { name: string }[]): StepNode[] => {
  const order = new Map(plan.map(({ name }, index) => [name, index]))
  const placeOf = (node: StepNode): number =>
    order.get(node.address) ?? (node.address === '@start' ? -1 : Number.MAX_SAFE_INTEGER)
  return [...nodes].sort((a, b) => placeOf(a) - placeOf(b))
}

/** `a/b[2]/c` -> `a/b[2]` -> `a/b` -> `a`. The branch of a conditional is no place of its own. */
const parentOf = (address: string): string | null => {
  if (address.endsWith(']')) return address.slice(0, address.lastIndexOf('['))
  // What stands in a built-in place keeps its whole address as its label.
  if (address.startsWith('@')) return address.includes('/') ? address.slice(0, address.indexOf('/')) : null
  const slash = address.lastIndexOf('/')
  return slash < 0 ? null : address.slice(0, slash).replace(/:(then|else)$/, '')
}

const depthOf = (address: string): number => address.split(/[/[]/).length

const nodeOf = (row: StepLine, description: string | undefined): StepNode => ({
  address: row.address,
  label: description ?? labelOf(row.address),
  kind: row.kind,
  state: row.state,
  attempts: row.attempts,
  costUsd: usd(row.cost),
  startedAt: iso(row.startedAt),
  finishedAt: iso(row.finishedAt),
  note: row.failure?.message ?? row.reason ?? row.activity,
  retryInSeconds: row.retryInSeconds,
  failedAttempts: row.failedAttempts.map(inIso),
  steps: [],
})

/** As the database writes times into JSON they are not as everywhere else. */
const inIso = (failed: FailedAttempt): FailedAttempt => ({
  ...failed,
  begunAt: new Date(failed.begunAt).toISOString(),
  at: new Date(failed.at).toISOString(),
})

const labelOf = (address: string): string => {
  const parent = parentOf(address)
  if (parent === null) return address
  return address.startsWith('@') ? address.slice(parent.length + 1) : (address.split('/').at(-1) ?? address)
}

const place = (address: string): StepNode => ({
  ...pendingNode({ name: address, description: placeName(address) }),
  state: 'place',
})

const placeName = (address: string): string => {
  const turn = /\[(\d+)\]$/.exec(address)?.[1]
  return turn === undefined ? (address.split('/').at(-1) ?? address) : `${Number(turn) + 1}.`
}

const pendingNode = ({ name, description }: { name: string; description: string }): StepNode => ({
  address: name,
  label: description,
  kind: '',
  state: 'pending',
  attempts: 0,
  costUsd: 0,
  startedAt: null,
  finishedAt: null,
  note: null,
  retryInSeconds: null,
  failedAttempts: [],
  steps: [],
})
