import type { ErrorCode, Failure } from '../domain/errors.ts'
import { usd } from '../domain/money.ts'
import type { RunState, StepState } from '../domain/run.ts'
import type { Db } from '../store/database.ts'
import { getRun } from '../store/runs.ts'
import { loadSteps, type StepRow } from '../store/steps.ts'
import type { Definition } from '../workflow/language/definition.ts'
import type { WorldIssue, WorldPull } from '../world/contract.ts'
import type { Scene } from './set-scene.ts'
import { variablesOf } from './variables-of.ts'

/** What came of a case: from the run's rows, and from what stands in the world. */
export type Outcome = {
  runId: string | null
  state: RunState | 'not_started'
  failure: Pick<Failure, 'code' | 'message' | 'nextAction'> | null
  /** In the order in which they began. */
  steps: OutcomeStep[]
  variables: Record<string, unknown>
  /** Confirmed. */
  effects: { kind: string; target: string }[]
  pull: (WorldPull & { files: Record<string, string | null> }) | null
  issue: WorldIssue
  comments: string[]
  branches: string[]
  costUsd: number
  waited: number
}

export type OutcomeStep = {
  address: string
  name: string
  state: StepState
  code: ErrorCode | null
  message: string | null
  attempts: number
  reason: string | null
  result: unknown
  inputs: unknown
}

export const outcomeOf = async (
  db: Db,
  scene: Scene,
  definition: Definition,
  ended: { runId: string | null; waited: number; ignored: string | null },
): Promise<Outcome> => {
  const { runId, waited } = ended
  const run = runId === null ? null : await getRun(db, runId)
  const rows = runId === null ? [] : await loadSteps(db, runId)
  const inputs = await inputsOf(db, runId)
  const opened = scene.repository.pulls().find((one) => one.number === run?.links.change?.number)
  const failure =
    run?.failure ?? (ended.ignored === null ? null : { code: 'invalid_input' as const, message: ended.ignored })
  return {
    runId,
    state: run?.state ?? 'not_started',
    failure,
    steps: rows.map((row) => stepOf(row, inputs.get(row.address) ?? null)),
    variables: variablesOf(definition, rows),
    effects: await effectsOf(db, runId),
    pull: opened ? { ...opened, files: await filesOf(scene, opened) } : null,
    issue: scene.repository.issue(scene.issue.number),
    comments: scene.repository.comments(scene.issue.number).map((comment) => comment.body),
    branches: await branchesOf(scene),
    costUsd: await costOf(db, runId),
    waited: Math.round(waited),
  }
}

const stepOf = (row: StepRow, inputs: unknown): OutcomeStep => ({
  address: row.address,
  name: row.name,
  state: row.state,
  code: row.failure?.code ?? null,
  message: row.failure?.message ?? null,
  attempts: row.attempts,
  reason: row.reason,
  result: row.result,
  inputs,
})

const inputsOf = async (db: Db, runId: string | null): Promise<Map<string, unknown>> => {
  const rows = await db
    .selectFrom('step_executions')
    .select(['address', 'inputs'])
    .where('run_id', '=', runId ?? '')
    .execute()
  return new Map(rows.map((row) => [row.address, row.inputs]))
}

const effectsOf = (db: Db, runId: string | null): Promise<Outcome['effects']> =>
  db
    .selectFrom('effects')
    .select(['kind', 'target'])
    .where('run_id', '=', runId ?? '')
    .where('state', '=', 'confirmed')
    .orderBy('confirmed_at')
    .execute()

const costOf = async (db: Db, runId: string | null): Promise<number> => {
  const charges = await db
    .selectFrom('cost_tracking')
    .select(['cost', 'reserved'])
    .where('run_id', '=', runId ?? '')
    .execute()
  return usd(charges.reduce((sum, charge) => sum + (charge.cost ?? charge.reserved), 0))
}

const filesOf = async (scene: Scene, pull: WorldPull): Promise<Record<string, string | null>> => {
  const { git } = scene.repository
  const names = (await git('diff', '--name-only', '-z', `${pull.base}...${pull.headSha}`)).split('\0').filter(Boolean)
  const texts = await Promise.all(names.map((name) => git('show', `${pull.headSha}:${name}`).catch(() => null)))
  return Object.fromEntries(names.map((name, index) => [name, texts[index] ?? null]))
}

const branchesOf = async (scene: Scene): Promise<string[]> => {
  const listed = await scene.repository.git('for-each-ref', '--format=%(refname:short)', 'refs/heads')
  return listed.split('\n').filter(Boolean)
}
