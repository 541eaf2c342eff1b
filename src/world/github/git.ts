import { JourneymanError } from '../../domain/errors.ts'
import type { RepositoryState } from './state.ts'

/**
 * `env` clears what would lead git elsewhere and leaves the rest of the environment alone, which is read in one room
 * only. The person's own configuration, hooks included, has no say in the world.
 */
export const gitCommand = (variables: Record<string, string>, args: string[]): string[] => [
  ...['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_OBJECT_DIRECTORY'].flatMap((name) => ['-u', name]),
  ...Object.entries({ GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', LC_ALL: 'C', ...variables }).map(
    ([name, value]) => `${name}=${value}`,
  ),
  'git',
  ...args,
]

type Held = Pick<RepositoryState, 'gitDir' | 'gitHost'>

/** Runs git and resolves with what it printed; rejects with its complaint on any other exit than 0. */
export const git = async (repository: Held, args: string[], input: string | Buffer = ''): Promise<string> =>
  (await gitBytes(repository, args, input)).toString()

/** The same, for what need not be text. */
export const gitBytes = async (
  { gitDir, gitHost }: Held,
  args: string[],
  input: string | Buffer = '',
): Promise<Buffer> => {
  const { code, out, complaint } = await gitHost.run(gitCommand({}, ['--git-dir', gitDir, ...args]), input)
  if (code === 0) return Buffer.from(out)
  throw new JourneymanError('command_failed', `git ${args[0]} in ${gitDir} ended with ${code}: ${complaint}`)
}

/** What `rev-parse` makes of a name, as a commit; null when there is none. */
export const commitOf = async (repository: RepositoryState, name: string): Promise<string | null> => {
  if (name === '' || name.startsWith('-')) return null
  const sha = repository.refs.get(`refs/heads/${name}`) ?? repository.refs.get(`refs/${name}`) ?? name
  const found = await git(repository, ['rev-parse', '--verify', '--quiet', `${sha}^{commit}`]).catch(() => '')
  return found.trim() || null
}

/**
 * Reads the refs again after a write, and lets what hangs on them follow: heads of pull requests, and their end. One
 * after the other: of two at once, the one that read first could write last.
 */
export const refreshRefs = (repository: RepositoryState): Promise<void> => {
  const refreshed = repository.refreshing.then(() => readRefs(repository))
  repository.refreshing = refreshed.catch(() => {})
  return refreshed
}

const readRefs = async (repository: RepositoryState): Promise<void> => {
  const listed = await git(repository, ['for-each-ref', '--format=%(refname) %(objectname)'])
  const now = new Map(
    listed
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' ') as [string, string]),
  )
  const moved = [...now].some(([name, sha]) => repository.refs.get(name) !== sha)
  if (moved || now.size !== repository.refs.size) repository.pushedAt = new Date()
  repository.refs = now
  for (const pull of repository.pulls.values()) followHead(repository, pull.number)
}

const followHead = (repository: RepositoryState, number: number): void => {
  const pull = repository.pulls.get(number)
  const issue = repository.issues.get(number)
  if (pull === undefined || issue === undefined || issue.state === 'closed') return
  const head = repository.refs.get(`refs/heads/${pull.head}`)
  if (head === undefined) {
    issue.state = 'closed'
    issue.closedAt = new Date()
  } else if (head !== pull.headSha) {
    pull.headSha = head
    issue.updatedAt = new Date()
  }
}
