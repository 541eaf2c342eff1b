import { git } from './git.ts'
import type { RepositoryState } from './state.ts'

export type CommitData = {
  sha: string
  tree: string
  parents: string[]
  author: { name: string; email: string; date: string }
  committer: { name: string; email: string; date: string }
  message: string
}

const format = ['%H', '%T', '%P', '%an', '%ae', '%aI', '%cn', '%ce', '%cI', '%B'].join('%x00')

/** Commits by `git log`'s own arguments, newest first; bounded as GitHub bounds a comparison. */
export const readCommits = async (
  repository: RepositoryState,
  range: string[],
  maxCommits = 250,
): Promise<CommitData[]> => {
  const log = ['log', `--max-count=${maxCommits}`, `--format=${format}%x01`, ...range, '--']
  const printed = await git(repository, log)
  return printed
    .split('\x01')
    .map((entry) => entry.replace(/^\n/, ''))
    .filter((entry) => entry !== '')
    .map(parse)
}

const parse = (entry: string): CommitData => {
  const [sha = '', tree = '', parents = '', ...rest] = entry.split('\0')
  const [authorName = '', authorEmail = '', authorDate = '', name = '', email = '', date = '', message = ''] = rest
  return {
    sha,
    tree,
    parents: parents.split(' ').filter((parent) => parent !== ''),
    author: { name: authorName, email: authorEmail, date: utc(authorDate) },
    committer: { name, email, date: utc(date) },
    message: message.replace(/\n+$/, ''),
  }
}

const utc = (text: string): string => `${new Date(text).toISOString().slice(0, 19)}Z`
