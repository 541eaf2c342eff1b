import { isLive, type Run } from '../domain/run.ts'
import type { CheckRun } from '../plugins/version-control/contract.ts'
import { shorten } from './wording.ts'

const mostTitleCharacters = 250

/**
 * The run as a check on the head of its pull request; null while there is none. A run that waits is in progress and says so
 * in its title: only GitHub's own Actions may set `waiting`, and `action_required` would be a conclusion.
 */
export const renderCheckRun = (
  run: Run,
  { title, summary, url }: { title: string; summary: string; url: string | null },
): CheckRun | null => {
  const change = run.links.change
  if (!change) return null
  const ended = !isLive(run.state)
  return {
    name: 'Journeyman',
    headSha: change.headSha,
    externalId: run.id,
    status: ended ? 'completed' : 'in_progress',
    ...(ended && { conclusion: conclusionOf(run) }),
    title: shorten(
      run.state === 'failed' && run.failure ? `${title}: ${run.failure.code}` : title,
      mostTitleCharacters,
    ),
    summary,
    ...(url !== null && { detailsUrl: url }),
  }
}

const conclusionOf = (run: Run): 'success' | 'failure' | 'cancelled' => {
  if (run.state === 'done') return 'success'
  return run.state === 'stopped' ? 'cancelled' : 'failure'
}
