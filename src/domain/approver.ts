import type { Actor } from './event.ts'

/** What a person may do in a repository, from nothing upwards. */
export const accessLevels = ['none', 'read', 'triage', 'write', 'maintain', 'admin'] as const
export type Access = (typeof accessLevels)[number]

/**
 * One of `approvers`, read:
 *
 *   role:write       whoever has that access to the repository now, or more
 *   team:org/slug    a member of the team now
 *   alice            that account, in letters of any size; alice#583231 by its number too, which nobody can take over
 *   not:asker        whoever asked for the run may not answer (alone: of those with write access)
 */
export type Approver =
  | { kind: 'role'; access: Access }
  | { kind: 'team'; team: string }
  | { kind: 'person'; login: string; id: string | null }
  | { kind: 'not_asker' }

/** null for what is none of these. */
export const readApprover = (text: string): Approver | null => {
  if (text === 'not:asker') return { kind: 'not_asker' }
  const role = /^role:(read|triage|write|maintain|admin)$/.exec(text)?.[1]
  if (role !== undefined) return { kind: 'role', access: role as Access }
  const team = /^team:([\w-]+\/[\w.-]+)$/.exec(text)?.[1]
  if (team !== undefined) return { kind: 'team', team }
  const [, login, id] = /^@?([\w.-]+(?:\[bot\])?)(?:#(\d{1,20}))?$/.exec(text) ?? []
  return login === undefined ? null : { kind: 'person', login, id: id ?? null }
}

export const hasAccess = (has: Access, least: Access): boolean =>
  accessLevels.indexOf(has) >= accessLevels.indexOf(least)

/** Who may answer, as far as it can be told without looking into teams; those are named, to be asked one after the other. */
export const mayAnswer = (
  approvers: readonly string[],
  who: { actor: Actor; access: Access; asker: Pick<Actor, 'id'> },
): { now: boolean; ifMemberOf: string[] } => {
  const read = approvers.map(readApprover).filter((one) => one !== null)
  const never = { now: false, ifMemberOf: [] }
  if (who.actor.isBot) return never
  if (read.some(({ kind }) => kind === 'not_asker') && who.actor.id === who.asker.id) return never
  const given = read.filter(({ kind }) => kind !== 'not_asker')
  // Not where all that was named cannot be read: then nobody may.
  const rules = given.length === 0 && read.length === approvers.length ? [writers] : given
  return {
    now: rules.some((rule) => isNow(rule, who)),
    ifMemberOf: rules.flatMap((rule) => (rule.kind === 'team' ? [rule.team] : [])),
  }
}

const writers: Approver = { kind: 'role', access: 'write' }

const isNow = (rule: Approver, { actor, access }: { actor: Actor; access: Access }): boolean => {
  if (rule.kind === 'role') return hasAccess(access, rule.access)
  if (rule.kind !== 'person') return false
  return rule.login.toLowerCase() === actor.login.toLowerCase() && (rule.id === null || rule.id === actor.id)
}
