import { notFound, ok } from '../answer.ts'
import { renderFullRepository } from '../render/repository.ts'
import { renderPublicUser, renderUser } from '../render/user.ts'
import { type Route, repositoryRoute, tokenRoute } from '../route.ts'
import type { PermissionName } from '../state.ts'

export const repositoryRoutes: Route[] = [
  repositoryRoute('GET ', 'metadata:read', (call) => ok(renderFullRepository(call.state, call.repository))),

  repositoryRoute('GET /collaborators/{username}/permission', 'metadata:read', (call) => {
    const user = call.state.users.get((call.parameters['username'] ?? '').toLowerCase())
    if (user === undefined) return notFound()
    // Anyone may read what is public; the owner may do everything.
    const fallback: PermissionName = call.repository.private ? 'none' : 'read'
    const given = call.repository.permissions.get(user.login.toLowerCase()) ?? fallback
    const role: PermissionName = user.id === call.repository.owner.id ? 'admin' : given
    const rendered = { ...renderUser(call.state, user), permissions: permissionFlags(role), role_name: role }
    return ok({ permission: legacyNames[role], role_name: role, user: rendered })
  }),

  tokenRoute('GET /users/{username}', (call) => {
    const user = call.state.users.get((call.parameters['username'] ?? '').toLowerCase())
    return user === undefined ? notFound() : ok(renderPublicUser(call.state, user))
  }),
]

/** `permission` knows only the old four names; `role_name` tells triage and maintain apart. */
const legacyNames: Record<PermissionName, string> = {
  admin: 'admin',
  maintain: 'write',
  write: 'write',
  triage: 'read',
  read: 'read',
  none: 'none',
}

const order: PermissionName[] = ['none', 'read', 'triage', 'write', 'maintain', 'admin']

const permissionFlags = (role: PermissionName) => {
  const has = (least: PermissionName): boolean => order.indexOf(role) >= order.indexOf(least)
  return {
    admin: has('admin'),
    maintain: has('maintain'),
    push: has('write'),
    triage: has('triage'),
    pull: has('read'),
  }
}
