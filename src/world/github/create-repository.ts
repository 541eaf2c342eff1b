import { appendFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { JourneymanError } from '../../domain/errors.ts'
import type { WorldUser } from '../contract.ts'
import { addUser } from './add-user.ts'
import { git } from './git.ts'
import { type GitHubState, type RepositoryState, repositoryOf } from './state.ts'
import { type FileContent, writeCommit } from './write-commit.ts'

type Options = { installed?: boolean; private?: boolean }

/** As GitHub serves: parts of a history, and any commit by its name. Housekeeping would outlive the world. */
const configuration = `[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
[receive]
\tautogc = false
[gc]
\tauto = 0
`

export const createRepository = async (
  state: GitHubState,
  fullName: string,
  files: Record<string, FileContent>,
  options: Options = {},
): Promise<RepositoryState> => {
  const [ownerName, name] = fullName.split('/')
  if (!/^[\w.-]+\/[\w.-]+$/.test(fullName) || ownerName === undefined || name === undefined)
    throw new JourneymanError('invalid_input', `A repository is named owner/name, not "${fullName}".`)
  if (repositoryOf(state, fullName))
    throw new JourneymanError('conflict', `The world has a repository ${fullName} already.`)
  const owner = addUser(state, ownerName)
  const repository = newRepository(state, owner, name, options)
  await mkdir(repository.gitDir, { recursive: true })
  await git(repository, ['init', '--quiet', '--bare', '--template=', '--initial-branch=main', repository.gitDir])
  await appendFile(join(repository.gitDir, 'config'), configuration)
  await writeCommit(repository, { branch: 'main', files, message: 'First commit', author: owner.login })
  state.repositories.set(fullName.toLowerCase(), repository)
  if (repository.installed) install(state, owner)
  return repository
}

const newRepository = (state: GitHubState, owner: WorldUser, name: string, options: Options): RepositoryState => ({
  id: state.nextId(),
  owner,
  name,
  fullName: `${owner.login}/${name}`,
  gitDir: join(state.folder, owner.login, `${name}.git`),
  gitHost: state.gitHost,
  private: options.private ?? true,
  archived: false,
  installed: options.installed ?? true,
  defaultBranch: 'main',
  createdAt: new Date(),
  pushedAt: new Date(),
  permissions: new Map(),
  refs: new Map(),
  refreshing: Promise.resolve(),
  labels: new Map(),
  issues: new Map(),
  pulls: new Map(),
  comments: new Map(),
  checkRuns: new Map(),
})

/** One installation for each owner, as on GitHub. */
const install = (state: GitHubState, account: WorldUser): void => {
  if ([...state.installations.values()].some((each) => each.account.id === account.id)) return
  const id = state.nextId()
  state.installations.set(id, { id, account, createdAt: new Date() })
}
