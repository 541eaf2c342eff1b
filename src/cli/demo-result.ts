import type { App } from '../app.ts'
import { addUsage, noUsage, usd } from '../domain/money.ts'
import { getRun } from '../store/runs.ts'
import { loadSteps } from '../store/steps.ts'
import type { World, WorldIssue, WorldRepository } from '../world/contract.ts'

export type DemoResult = {
  run: {
    id: string
    state: string
    workflow: string
    steps: { name: string; state: string; seconds: number; costUsd: number }[]
  }
  change: { number: number; url: string; title: string; branch: string; headSha: string; files: string[] } | null
  comment: { url: string; edits: number } | null
  tokens: { input: number; output: number; cacheRead: number; cacheWrite: number }
  costUsd: number
  sandbox: string
  database: string
  failure?: { code: string; message: string }
}

/** From the rows, and from what stands in the world: what the code host shows is read there and not believed from here. */
export const demoResult = async (given: {
  app: App
  world: World
  repository: WorldRepository
  issue: WorldIssue
  runId: string
  sandbox: string
}): Promise<DemoResult> => {
  const { app, repository, issue, runId } = given
  const { db, kind } = app.database()
  const run = await getRun(db, runId)
  if (!run) throw new Error(`There is no run ${runId}.`)
  const steps = (await loadSteps(db, runId)).filter((step) => !step.address.startsWith('@'))
  const charges = await db
    .selectFrom('cost_tracking')
    .select(['usage', 'cost', 'reserved'])
    .where('run_id', '=', runId)
    .execute()
  const pull = repository.pulls().find((one) => one.number === run.links.change?.number)
  const comment = repository.comments(issue.number).find((one) => String(one.id) === run.links.commentId)
  const files = pull ? await repository.git('diff', '--name-only', `${pull.base}...${pull.headSha}`) : ''
  return {
    run: {
      id: run.id,
      state: run.state,
      workflow: run.workflow,
      steps: steps.map((step) => ({
        name: step.address,
        state: step.state,
        seconds: ((step.finishedAt ?? step.startedAt).getTime() - step.startedAt.getTime()) / 1000,
        costUsd: usd(step.cost),
      })),
    },
    change: pull
      ? {
          number: pull.number,
          url: pull.url,
          title: pull.title,
          branch: pull.head,
          headSha: pull.headSha,
          files: files.split('\n').filter(Boolean),
        }
      : null,
    comment: comment ? { url: comment.url, edits: comment.edits } : null,
    tokens: charges.reduce((sum, charge) => addUsage(sum, charge.usage ?? noUsage), noUsage),
    costUsd: usd(charges.reduce((sum, charge) => sum + (charge.cost ?? charge.reserved), 0)),
    sandbox: given.sandbox,
    database: kind,
    ...(run.failure && { failure: { code: run.failure.code, message: run.failure.message } }),
  }
}
