import { type Answer, created, notFound, ok, refused, validationFailed } from '../answer.ts'
import { commitOf } from '../git.ts'
import { paginate } from '../paginate.ts'
import { renderCheckRun } from '../render/check-run.ts'
import { type RepositoryCall, type Route, repositoryRoute } from '../route.ts'
import type { CheckRunState } from '../state.ts'

const maxAnnotations = 50

export const checkRunRoutes: Route[] = [
  repositoryRoute('POST /check-runs', 'checks:write', (call) => create(call)),
  repositoryRoute('GET /check-runs/{check_run_id}', 'checks:read', (call) =>
    withRun(call, (run) => ok(renderCheckRun(call.state, call.repository, run))),
  ),
  repositoryRoute('PATCH /check-runs/{check_run_id}', 'checks:write', (call) =>
    withRun(call, (run) => apply(call, run) ?? ok(renderCheckRun(call.state, call.repository, run))),
  ),
  repositoryRoute('GET /commits/{ref}/check-runs', 'checks:read', async (call) => {
    const sha = await commitOf(call.repository, call.parameters['ref'] ?? '')
    if (sha === null) return refused(422, `No commit found for SHA: ${call.parameters['ref']}`)
    const runs = listed(call, sha)
    return paginate(
      call,
      runs,
      (run) => renderCheckRun(call.state, call.repository, run),
      (page) => ({ total_count: runs.length, check_runs: page }),
    )
  }),
]

const withRun = (call: RepositoryCall, handle: (run: CheckRunState) => Answer): Answer => {
  const run = call.repository.checkRuns.get(Number(call.parameters['check_run_id']))
  return run === undefined ? notFound() : handle(run)
}

const create = async (call: RepositoryCall): Promise<Answer> => {
  const headSha = String(call.body['head_sha'])
  // A branch name is not enough here, though everywhere else it would be.
  const isCommit = /^[0-9a-f]{40}$/.test(headSha) && (await commitOf(call.repository, headSha)) !== null
  if (!isCommit) return refused(422, `No commit found for SHA: ${headSha}`)
  const run: CheckRunState = {
    id: call.state.nextId(),
    name: String(call.body['name']),
    headSha,
    status: 'queued',
    conclusion: null,
    detailsUrl: null,
    externalId: null,
    startedAt: new Date(),
    completedAt: null,
    title: null,
    summary: null,
    text: null,
    annotations: [],
  }
  const problem = apply(call, run)
  if (problem !== null) return problem
  call.repository.checkRuns.set(run.id, run)
  return created(renderCheckRun(call.state, call.repository, run))
}

type Output = { title?: string; summary?: string; text?: string; annotations?: unknown[] }

/** Takes over what was sent; a problem leaves the run as it was. */
const apply = (call: RepositoryCall, run: CheckRunState): Answer | null => {
  const { body } = call
  const output = (body['output'] ?? {}) as Output
  const annotations = output.annotations ?? []
  if (annotations.length > maxAnnotations)
    return validationFailed({
      resource: 'CheckRun',
      code: 'custom',
      field: 'annotations',
      message: 'Only 50 annotations are allowed per request.',
    })
  const conclusion = (body['conclusion'] as string | undefined) ?? run.conclusion
  if (body['status'] === 'completed' && conclusion === null)
    return validationFailed({ resource: 'CheckRun', code: 'missing_field', field: 'conclusion' })
  run.name = (body['name'] as string | undefined) ?? run.name
  run.detailsUrl = (body['details_url'] as string | undefined) ?? run.detailsUrl
  run.externalId = (body['external_id'] as string | undefined) ?? run.externalId
  run.title = output.title ?? run.title
  run.summary = output.summary ?? run.summary
  run.text = output.text ?? run.text
  run.annotations.push(...annotations)
  setStatus(run, body)
  return null
}

/** A conclusion completes a run by itself; a status other than completed opens it again. */
const setStatus = (run: CheckRunState, body: Record<string, unknown>): void => {
  const conclusion = body['conclusion'] as string | undefined
  const status = body['status'] as CheckRunState['status'] | undefined
  if (conclusion !== undefined) {
    run.status = 'completed'
    run.conclusion = conclusion
    run.completedAt = timeOf(body['completed_at']) ?? new Date()
  } else if (status !== undefined) {
    run.status = status
    if (status !== 'completed') {
      run.conclusion = null
      run.completedAt = null
    }
  }
  run.startedAt = timeOf(body['started_at']) ?? run.startedAt
}

const timeOf = (text: unknown): Date | null => (typeof text === 'string' ? new Date(text) : null)

/** `filter=latest`, the default, shows the newest of each name. */
const listed = (call: RepositoryCall, sha: string): CheckRunState[] => {
  const name = call.query.get('check_name')
  const status = call.query.get('status')
  const runs = [...call.repository.checkRuns.values()]
    .filter((run) => run.headSha === sha)
    .filter((run) => name === null || run.name === name)
    .filter((run) => status === null || run.status === status)
    .reverse()
  if (call.query.get('filter') === 'all') return runs
  return runs.filter((run, at) => runs.findIndex((each) => each.name === run.name) === at)
}
