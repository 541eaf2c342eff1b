import { createHash } from 'node:crypto'
import type { Change } from '../../src/domain/change.ts'
import { JourneymanError } from '../../src/domain/errors.ts'
import { shortenBody, shortenTitle } from '../../src/plugins/github-client/shorten.ts'
import type { CheckRun, Permission, VersionControl } from '../../src/plugins/version-control/contract.ts'

/** A code host with one repository, in memory, that keeps the contract's suite: for tests of what stands above it. */
export type MemoryHost = {
  plugin: VersionControl
  branches: Map<string, string>
  changes: Change[]
  checks: Map<string, CheckRun>
  permissions: Map<string, { id: string; permission: Permission }>
  /** `org/slug` -> logins; null where the app may not look. */
  teams: Map<string, string[] | null>
  /** What a push does there: refused unless the branch is where it was expected. */
  push: (branch: string, commit: string, expected: string | null) => void
}

const repository = 'acme/shop'
const url = `https://code.test/${repository}`

export const memoryHost = (): MemoryHost => {
  const branches = new Map([['main', commitId('main')]])
  const changes: Change[] = []
  const checks = new Map<string, CheckRun>()
  const permissions: MemoryHost['permissions'] = new Map()
  const teams: MemoryHost['teams'] = new Map()
  const known = (ref: { repository: string }) => {
    if (!ref.repository.includes('/')) throw new JourneymanError('invalid_input', 'A repository is owner/name.')
    if (ref.repository !== repository) throw new JourneymanError('not_found', `There is no ${ref.repository}.`)
  }
  const find = (branch: string) => {
    const ofBranch = changes.filter((change) => change.source_branch === branch)
    return ofBranch.find((change) => change.state === 'open') ?? ofBranch.at(-1) ?? null
  }
  const plugin: VersionControl = {
    name: 'memory',
    self: async () => ({ login: 'journeyman[bot]', id: '99' }),
    getRepository: async (ref) => {
      known(ref)
      return { repository, url, cloneUrl: `${url}.git`, defaultBranch: 'main', private: true, archived: false }
    },
    getPermission: async (_ref, actor) => {
      const found = permissions.get(actor.login)
      return found && (actor.id === '' || found.id === actor.id) ? found.permission : 'none'
    },
    isTeamMember: async (_ref, team, actor) => {
      const members = teams.get(team) ?? []
      if (teams.get(team) === null)
        throw new JourneymanError('forbidden', `The members of ${team} are not shown to us.`)
      return members.includes(actor.login)
    },
    getGitCredential: async () => ({ username: 'x', password: 'a-token-of-the-host', expiresAt: null }),
    getBranchHead: async (_ref, branch) => branches.get(branch) ?? null,
    deleteBranch: async (_ref, branch) => void branches.delete(branch),
    findChange: async (_ref, branch) => find(branch),
    createChange: async (_ref, input) => {
      const head = branches.get(input.sourceBranch)
      if (head === undefined) throw new JourneymanError('invalid_input', `There is no branch ${input.sourceBranch}.`)
      if (find(input.sourceBranch)?.state === 'open') throw new JourneymanError('conflict', 'There is one already.')
      const number = changes.length + 1
      const change: Change = {
        number,
        url: `${url}/pull/${number}`,
        title: shortenTitle(input.title),
        description: shortenBody(input.body),
        state: 'open',
        draft: input.draft,
        source_branch: input.sourceBranch,
        target_branch: input.targetBranch,
        head_sha: head,
        repository,
      }
      changes.push(change)
      return change
    },
    getChange: async (_ref, number) => {
      const change = changes[number - 1]
      if (!change) throw new JourneymanError('not_found', `There is no change ${number}.`)
      return change
    },
    closeChange: async (_ref, number) => {
      const change = changes[number - 1]
      if (!change) throw new JourneymanError('not_found', `There is no change ${number}.`)
      const closed: Change = change.state === 'open' ? { ...change, state: 'closed' } : change
      changes[number - 1] = closed
      return closed
    },
    addLabels: async () => undefined,
    findCheckRun: async (_ref, sha, externalId) => {
      const id = `${sha}:${externalId}`
      return checks.has(id) ? { id } : null
    },
    createCheckRun: async (_ref, check) => {
      const id = `${check.headSha}:${check.externalId}`
      checks.set(id, check)
      return { id }
    },
    updateCheckRun: async (_ref, id, check) => void checks.set(id, check),
    check: async () => ({ account: 'acme', permissions: {} }),
  }
  const push: MemoryHost['push'] = (branch, commit, expected) => {
    const head = branches.get(branch) ?? null
    if (head === commit) return
    if (head !== expected) throw new JourneymanError('conflict', `The branch ${branch} is at ${head}.`)
    branches.set(branch, commit)
    for (const [index, change] of changes.entries()) {
      if (change.source_branch === branch && change.state === 'open') changes[index] = { ...change, head_sha: commit }
    }
  }
  return { plugin, branches, changes, checks, permissions, teams, push }
}

/** Forty hexadecimal digits, as a commit has, that depend on nothing but what is in it. */
export const commitId = (content: string): string => createHash('sha1').update(content).digest('hex')
