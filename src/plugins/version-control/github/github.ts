import { z } from 'zod'
import type { GitHubClient } from '../../github-client/github-client.ts'
import type { Permission, VersionControl } from '../contract.ts'
import { branches } from './branches.ts'
import { changes } from './changes.ts'
import { checkRuns } from './check-runs.ts'
import { listDeliveries } from './list-deliveries.ts'
import { orNull } from './or-null.ts'
import * as schema from './schema.ts'

/** GitHub as a code host, by an app's installations. */
export const createGitHubVersionControl = (client: GitHubClient): VersionControl => ({
  name: 'github',
  ...aboutApp(client),
  ...aboutRepository(client),
  ...branches(client),
  ...changes(client),
  ...checkRuns(client),
})

type AboutApp = Pick<VersionControl, 'self' | 'check' | 'listDeliveries' | 'redeliver'>

const aboutApp = ({ self, asApp }: GitHubClient): AboutApp => ({
  self,

  check: async () => {
    const { data } = await asApp('GET /app', {}, schema.app)
    return { account: data.slug, permissions: data.permissions }
  },

  listDeliveries: (since) => listDeliveries(asApp, since),

  redeliver: async (id) => {
    await asApp('POST /app/hook/deliveries/{delivery_id}/attempts', { delivery_id: id }, z.unknown())
  },
})

type AboutRepository = Pick<VersionControl, 'getRepository' | 'getPermission' | 'isTeamMember' | 'getGitCredential'>

const aboutRepository = ({ request, gitToken }: GitHubClient): AboutRepository => ({
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

  isTeamMember: async (ref, team, actor) => {
    const [org = '', slug = ''] = team.split('/')
    const route = 'GET /orgs/{org}/teams/{team_slug}/memberships/{username}'
    const parameters = { org, team_slug: slug, username: actor.login }
    const answer = await orNull(request(ref, route, parameters, schema.membership))
    // Whoever is invited and has not accepted is pending.
    return answer?.data.state === 'active'
  },

  getGitCredential: async (ref) => {
    const { token, expiresAt } = await gitToken(ref)
    return { username: 'x-access-token', password: token, expiresAt }
  },
})

const permissions: readonly Permission[] = ['none', 'read', 'triage', 'write', 'maintain', 'admin']

/** A role of an organisation's own making has a name that is none of these; then the permission it is based on counts. */
const permissionOf = (name: string | undefined): Permission | undefined =>
  permissions.find((permission) => permission === name)
