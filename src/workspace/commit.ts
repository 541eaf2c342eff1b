import { crashPoint } from '../domain/crash-point.ts'
import { JourneymanError } from '../domain/errors.ts'
import { firstLine, type Git } from './git.ts'
import { type RunPlace, writeRef } from './run-place.ts'

export type Person = { name: string; email: string }

/**
 * One commit on top of the base commit. Everything that goes into its id is given, so that making it twice is making it
 * once: after a crash the same commit is found again by making it again.
 */
export const commitTree = async (
  git: Git,
  place: RunPlace,
  request: {
    tree: string
    baseSha: string
    baseTree: string
    message: string
    author: Person
    committer: Person
    date: Date
  },
): Promise<string> => {
  if (request.tree === request.baseTree) {
    throw new JourneymanError(
      'nothing_to_propose',
      'The work tree is what the base commit is; there is nothing to commit.',
    )
  }
  crashPoint('commit.before')
  const date = gitDate(request.date)
  const parent = ['-p', request.baseSha]
  const result = await git({ gitDir: place.gitDir }, ['commit-tree', request.tree, ...parent, '-F', '-'], {
    what: 'making the commit',
    input: `${request.message.trim()}\n`,
    people: peopleOf(clean(request.author), clean(request.committer), date),
  })
  const commit = firstLine(result)
  await writeRef(place, `refs/journeyman/commits/${commit}`, commit)
  crashPoint('commit.after')
  return commit
}

const peopleOf = (author: Person, committer: Person, date: string): Record<string, string> => ({
  GIT_AUTHOR_NAME: author.name,
  GIT_AUTHOR_EMAIL: author.email,
  GIT_AUTHOR_DATE: date,
  GIT_COMMITTER_NAME: committer.name,
  GIT_COMMITTER_EMAIL: committer.email,
  GIT_COMMITTER_DATE: date,
})

/** Without the `@`, git takes a small number for a year. */
const gitDate = (date: Date): string => `@${Math.floor(date.getTime() / 1000)} +0000`

/** git refuses a name of nothing but what it strips, and a line break would begin a header of its own. */
const clean = ({ name, email }: Person): Person => ({
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  name: name.replace(/[\x00-\x1f\x7f<>]/g, ' ').trim() || 'unknown',
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  email: email.replace(/[\x00-\x20\x7f<>]/g, ''),
})
