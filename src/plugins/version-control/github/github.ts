import { z } from 'zod'
import type { Change } from '../../../domain/change.ts'
import { codeOf, JourneymanError } from '../../../domain/errors.ts'
import type { GitHubClient } from '../../github-client/github-client.ts'
import { shortenBody, shortenTitle } from '../../github-client/shorten.ts'
import type { CheckRun, Permission, PullRequestInput, RepositoryRef, VersionControl } from '../contract.ts'
import { listDeliveries } from './list-deliveries.ts'
import * as schema from './schema.ts'

/** GitHub as a code host, by an app's installations. */
export const createGitHubVersionControl = (client: GitHubClient): VersionControl => {
  const { request, asApp } = client
  return {
    name: 'github',
    self: client.self,

    getRepository: async (ref) => {
      const { data } = await request(ref, 'GET /repos/{owner}/{repo}', {}, schema.repository)
      return {
        repository: data.full_name,
        url: data.html_url,
        cloneUrl: data.clone_url,
        defaultBranch: data.default_branch,
        private: data.private,
        archived: data.archived,
      }
    },

    getPermission: async (ref, actor) => {
      const route = 'GET /repos/{owner}/{repo}/collaborators/{username}/permission'
      const answer = await orNull(request(ref, route, { username: actor.login }, schema.permission))
      // Who has taken over a name has another number, and none of its rights.
      if (answer === null || String(answer.data.user?.id) !== actor.id) return 'none'
      return permissionOf(answer.data.role_name) ?? permissionOf(answer.data.permission) ?? 'none'
    },

    getGitCredential: async (ref) => {
      const { token, expiresAt } = await client.gitToken(ref)
      return { username: 'x-access-token', password: token, expiresAt }
    },

    getBranchHead: (ref, branch) => getBranchHead(request, ref, branch),

    deleteBranch: async (ref, branch) => {
      if ((await getBranchHead(request, ref, branch)) === null) return
      const route = 'DELETE /repos/{owner}/{repo}/git/refs/{ref}'
      await request(ref, route, { ref: `heads/${branch}` }, z.unknown()).catch((error) => {
        // Somebody else was quicker: GitHub says 422 for a reference that does not exist.
        if (!['not_found', 'invalid_input'].includes(codeOf(error))) throw error
      })
    },

    findChange: async (ref, sourceBranch) => {
      const head = `${ref.repository.split('/')[0]}:${sourceBranch}`
      const parameters = { head, state: 'all', sort: 'created', direction: 'desc', per_page: 30 }
      const { data } = await request(ref, 'GET /repos/{owner}/{repo}/pulls', parameters, z.array(schema.pull))
      const found = data.find((pull) => pull.state === 'open') ?? data[0]
      return found ? changeOf(ref, found) : null
    },

    createChange: async (ref, input) => changeOf(ref, await createPull(request, ref, input)),

    getChange: async (ref, number) => {
      const route = 'GET /repos/{owner}/{repo}/pulls/{pull_number}'
      const { data } = await request(ref, route, { pull_number: number }, schema.pull)
      return changeOf(ref, data)
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

    findCheckRun: async (ref, headSha, externalId) => {
      const route = 'GET /repos/{owner}/{repo}/commits/{ref}/check-runs'
      const parameters = { ref: headSha, filter: 'all', app_id: Number(client.appId), per_page: 100 }
      const { data } = await request(ref, route, parameters, schema.checkRuns)
      const found = data.check_runs.find((run) => run.external_id === externalId)
      return found ? { id: String(found.id) } : null
    },

    createCheckRun: async (ref, check) => {
      const body = { head_sha: check.headSha, ...checkFields(check) }
      const { data } = await request(ref, 'POST /repos/{owner}/{repo}/check-runs', body, schema.created)
      return { id: String(data.id) }
    },

    updateCheckRun: async (ref, id, check) => {
      const route = 'PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}'
      await request(ref, route, { check_run_id: Number(id), ...checkFields(check) }, z.unknown())
    },

    listDeliveries: (since) => listDeliveries(asApp, since),

    redeliver: async (id) => {
      const route = 'POST /app/hook/deliveries/{delivery_id}/attempts'
      await asApp(route, { delivery_id: id }, z.unknown())
    },

    check: async () => {
      const { data } = await asApp('GET /app', {}, schema.app)
      return { account: data.slug, permissions: data.permissions }
    },
  }
}

const orNull = async <Value>(answer: Promise<Value>): Promise<Value | null> =>
  answer.catch((error) => {
    if (codeOf(error) === 'not_found') return null
    throw error
  })

const getBranchHead = async (
  request: GitHubClient['request'],
  ref: RepositoryRef,
  branch: string,
): Promise<string | null> => {
  const route = 'GET /repos/{owner}/{repo}/git/ref/{ref}'
  const answer = await orNull(request(ref, route, { ref: `heads/${branch}` }, schema.gitRef))
  return answer?.data.object.sha ?? null
}

const permissions: readonly Permission[] = ['none', 'read', 'triage', 'write', 'maintain', 'admin']

/** A role of an organisation's own making has a name that is none of these; then the permission it is based on counts. */
const permissionOf = (name: string | undefined): Permission | undefined =>
  permissions.find((permission) => permission === name)

const createPull = async (
  request: GitHubClient['request'],
  ref: RepositoryRef,
  input: PullRequestInput,
): Promise<schema.Pull> => {
  const body = {
    title: shortenTitle(input.title),
    body: shortenBody(input.body),
    head: input.sourceBranch,
    base: input.targetBranch,
  }
  const send = (draft: boolean) =>
    request(ref, 'POST /repos/{owner}/{repo}/pulls', { ...body, draft }, schema.pull).then(({ data }) => data)
  if (!input.draft) return send(false)
  return send(true).catch((error) => {
    // Private repositories of some plans know no drafts. The refusal wrote nothing, so it is safe to ask again without.
    if (codeOf(error) !== 'invalid_input' || !/draft/i.test((error as JourneymanError).message)) throw error
    return send(false)
  })
}

const changeOf = (ref: RepositoryRef, pull: schema.Pull): Change => ({
  number: pull.number,
  url: pull.html_url,
  title: pull.title,
  description: pull.body ?? '',
  state: pull.merged_at === null ? pull.state : 'merged',
  draft: pull.draft ?? false,
  source_branch: pull.head.ref,
  target_branch: pull.base.ref,
  head_sha: pull.head.sha,
  repository: ref.repository,
})

const checkFields = (check: CheckRun) => {
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
