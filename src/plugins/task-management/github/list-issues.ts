import { z } from 'zod'
import type { TaskStatus } from '../../../domain/task.ts'
import type { GitHubClient, Place } from '../../github-client/github-client.ts'
import { type Issue, issue } from './schema.ts'

/** A hundred issues a page, newest first. */
const maxPages = 10

/** The issues that can have this status; pull requests, which GitHub lists with them, are left out. */
export const listIssues = async (
  request: GitHubClient['request'],
  place: Place,
  status: TaskStatus | undefined,
): Promise<Issue[]> => {
  const closed = status === 'done' || status === 'cancelled'
  const state = status === undefined ? 'all' : closed ? 'closed' : 'open'
  const issues: Issue[] = []
  for (let page = 1; page <= maxPages; page++) {
    const parameters = { state, per_page: 100, page }
    const { data } = await request(place, 'GET /repos/{owner}/{repo}/issues', parameters, z.array(issue))
    issues.push(...data.filter((each) => each.pull_request === undefined || each.pull_request === null))
    if (data.length < 100) break
  }
  return issues
}
