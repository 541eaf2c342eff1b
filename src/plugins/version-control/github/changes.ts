import { z } from 'zod'
import type { Change } from '../../../domain/change.ts'
import { failureOf } from '../../../domain/errors.ts'
import type { GitHubClient } from '../../github-client/github-client.ts'
import { shortenBody, shortenTitle } from '../../github-client/shorten.ts'
import type { PullRequestInput, RepositoryRef, VersionControl } from '../contract.ts'
import { type Pull, pull } from './schema.ts'

type Changes = Pick<
  VersionControl,
  'findChange' | 'createChange' | 'getChange' | 'closeChange' | 'requestReviewers' | 'addLabels'
>

export const changes = ({ request }: GitHubClient): Changes => ({
  findChange: async (ref, sourceBranch) => {
    const head = `${ref.repository.split('/')[0]}:${sourceBranch}`
    const parameters = { head, state: 'all', sort: 'created', direction: 'desc', per_page: 30 }
    const { data } = await request(ref, 'GET /repos/{owner}/{repo}/pulls', parameters, z.array(pull))
    const found = data.find((each) => each.state === 'open') ?? data[0]
    return found ? changeOf(ref, found) : null
  },

  createChange: async (ref, input) => changeOf(ref, await createPull(request, ref, input)),

  getChange: async (ref, number) => {
    const route = 'GET /repos/{owner}/{repo}/pulls/{pull_number}'
    const { data } = await request(ref, route, { pull_number: number }, pull)
    return changeOf(ref, data)
  },

  closeChange: async (ref, number) => {
    const route = '/repos/{owner}/{repo}/pulls/{pull_number}'
    const { data } = await request(ref, `GET ${route}`, { pull_number: number }, pull)
    if (data.state === 'closed') return changeOf(ref, data)
    const closed = await request(ref, `PATCH ${route}`, { pull_number: number, state: 'closed' }, pull)
    return changeOf(ref, closed.data)
  },

  requestReviewers: async (ref, number, reviewers) => {
    const route = 'POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers'
    await request(ref, route, { pull_number: number, reviewers }, z.unknown())
  },

  addLabels: async (ref, number, labels) => {
    if (labels.length === 0) return
    const route = 'POST /repos/{owner}/{repo}/issues/{issue_number}/labels'
    await request(ref, route, { issue_number: number, labels }, z.unknown())
  },
})

const createPull = async (
  request: GitHubClient['request'],
  ref: RepositoryRef,
  input: PullRequestInput,
): Promise<Pull> => {
  const body = {
    title: shortenTitle(input.title),
    body: shortenBody(input.body),
    head: input.sourceBranch,
    base: input.targetBranch,
  }
  const send = (draft: boolean) =>
    request(ref, 'POST /repos/{owner}/{repo}/pulls', { ...body, draft }, pull).then(({ data }) => data)
  if (!input.draft) return send(false)
  return send(true).catch((error) => {
    // Private repositories of some plans know no drafts, and GitHub says so in words alone. The refusal wrote nothing,
    // so it is safe to ask again without.
    const { code, message } = failureOf(error)
    if (code !== 'invalid_input' || !/draft/i.test(message)) throw error
    return send(false)
  })
}

const changeOf = (ref: RepositoryRef, read: Pull): Change => ({
  number: read.number,
  url: read.html_url,
  title: read.title,
  description: read.body ?? '',
  state: read.merged_at === null ? read.state : 'merged',
  draft: read.draft ?? false,
  source_branch: read.head.ref,
  target_branch: read.base.ref,
  head_sha: read.head.sha,
  repository: ref.repository,
})
