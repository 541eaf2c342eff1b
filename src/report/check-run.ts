import type { Run } from '../domain/run.ts'
import type { CheckRun } from '../plugins/version-control/contract.ts'

/** The run as a check on the head of its pull request; null while there is none. */
export const renderCheckRun = (run: Run, summary: string, runUrl: string | null): CheckRun | null => {
  const change = run.links.change
  if (!change) return null
  const ended = run.state !== 'queued' && run.state !== 'running' && run.state !== 'parked'
  return {
    name: 'Journeyman',
    headSha: change.headSha,
    externalId: run.id,
    status: ended ? 'completed' : 'in_progress',
    ...(ended && { conclusion: conclusionOf(run) }),
    title: titleOf(run),
    summary,
    ...(runUrl !== null && { detailsUrl: runUrl }),
  }
}

const conclusionOf = (run: Run): 'success' | 'failure' | 'cancelled' => {
  if (run.state === 'done') return 'success'
  return run.state === 'stopped' ? 'cancelled' : 'failure'
}

const titleOf = (run: Run): string => {
  if (run.state === 'done') return 'The run is done'
  if (run.state === 'stopped') return 'The run was stopped'
  return run.failure ? `The run failed: ${run.failure.code}` : 'The run is under way'
}
