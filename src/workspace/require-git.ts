import { JourneymanError } from '../domain/errors.ts'
import { firstLine, type Git } from './git.ts'

/** Before 2.32 git does not read the configuration from its environment, and not one of our guards would hold. */
const oldest = [2, 32] as const

/** Throws `invalid_configuration` when there is no git here, or one that our guards mean nothing to. */
export const requireGit = async (git: Git, folder: string): Promise<void> => {
  const answer = firstLine(await git({ gitDir: folder }, ['version'], { what: 'asking for its version' }))
  const [, major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(answer) ?? []).map(Number)
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return
  throw new JourneymanError('invalid_configuration', `git is too old here ("${answer}").`, {
    nextAction: `Install git ${oldest.join('.')} or newer.`,
  })
}
