import { type Answer, forbidden, ok } from '../answer.ts'
import { type Route, tokenRoute } from '../route.ts'

/** The description has no content with this 404. */
const nobody: Answer = { status: 404 }

export const teamRoutes: Route[] = [
  tokenRoute('GET /orgs/{org}/teams/{team_slug}/memberships/{username}', (call) => {
    const { org = '', team_slug: slug = '', username = '' } = call.parameters
    const installation = call.state.installations.get(call.token?.installation ?? 0)
    if (installation?.account.login.toLowerCase() !== org.toLowerCase()) return nobody
    if (call.token?.permissions['members'] === undefined) return forbidden()
    const members = call.state.teams.get(`${org}/${slug}`.toLowerCase())
    if (!members?.has(username.toLowerCase())) return nobody
    const url = `${call.state.apiUrl}/organizations/${installation.account.id}/team/1/memberships/${username}`
    return ok({ url, role: 'member', state: 'active' })
  }),
]
