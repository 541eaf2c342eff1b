import { z } from 'zod'
import { JourneymanError } from '../../../domain/errors.ts'
import type { GitHubClient } from '../../github-client/github-client.ts'
import { shortenBody, shortenTitle } from '../../github-client/shorten.ts'
import type { CheckRun, VersionControl } from '../contract.ts'
import * as schema from './schema.ts'

type CheckRuns = Pick<VersionControl, 'findCheckRun' | 'createCheckRun' | 'updateCheckRun'>

export const checkRuns = ({ request, appId }: GitHubClient): CheckRuns => ({
  findCheckRun: async (ref, headSha, externalId) => {
    const route = 'GET /repos/{owner}/{repo}/commits/{ref}/check-runs'
    const id = Number(appId)
    // An app may be configured by its client id, which is no number; then every app's checks are looked at.
    const own = Number.isSafeInteger(id) && { app_id: id }
    const parameters = { ref: headSha, filter: 'all', per_page: 100, ...own }
    const { data } = await request(ref, route, parameters, schema.checkRuns)
    const found = data.check_runs.find((run) => run.external_id === externalId)
    return found ? { id: String(found.id) } : null
  },

  createCheckRun: async (ref, check) => {
    const body = { head_sha: check.headSha, ...fieldsOf(check) }
    const { data } = await request(ref, 'POST /repos/{owner}/{repo}/check-runs', body, schema.created)
    return { id: String(data.id) }
  },

  updateCheckRun: async (ref, id, check) => {
    const route = 'PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}'
    await request(ref, route, { check_run_id: Number(id), ...fieldsOf(check) }, z.unknown())
  },
})

const fieldsOf = (check: CheckRun) => {
  if (check.status === 'completed' && check.conclusion === undefined) {
    throw new JourneymanError('invalid_input', `The check "${check.name}" is completed and says not how.`)
  }
  return {
    name: check.name,
    status: check.status,
    ...(check.status === 'completed' && { conclusion: check.conclusion }),
    external_id: check.externalId,
    ...(check.detailsUrl !== undefined && { details_url: check.detailsUrl }),
    output: { title: shortenTitle(check.title), summary: shortenBody(check.summary) },
  }
}
