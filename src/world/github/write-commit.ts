import { git, refreshRefs } from './git.ts'
import type { RepositoryState } from './state.ts'

export type FileContent = string | { content: string; mode: '100755' | '120000' }
type Commit = { branch: string; files: Record<string, FileContent>; message: string; author: string }

/** A commit on a branch, made in one go without a worktree; the branch is begun when it is not there. */
export const writeCommit = async (repository: RepositoryState, commit: Commit): Promise<string> => {
  const ref = `refs/heads/${commit.branch}`
  const parent = repository.refs.get(ref) ?? repository.refs.get(`refs/heads/${repository.defaultBranch}`)
  await git(repository, ['fast-import', '--quiet', '--force'], instructions(ref, parent, commit))
  await refreshRefs(repository)
  return repository.refs.get(ref) ?? ''
}

const instructions = (ref: string, parent: string | undefined, commit: Commit): Buffer => {
  const who = `${commit.author} <${commit.author}@users.noreply.github.invalid> ${Math.floor(Date.now() / 1000)} +0000`
  const parts: Buffer[] = [Buffer.from(`commit ${ref}\nauthor ${who}\ncommitter ${who}\n`), data(commit.message)]
  if (parent !== undefined) parts.push(Buffer.from(`from ${parent}\n`))
  for (const [path, file] of Object.entries(commit.files)) {
    const { content, mode } = typeof file === 'string' ? { content: file, mode: '100644' } : file
    parts.push(Buffer.from(`M ${mode} inline ${JSON.stringify(path)}\n`), data(content))
  }
  return Buffer.concat(parts)
}

const data = (text: string): Buffer => {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from('\n')])
}
