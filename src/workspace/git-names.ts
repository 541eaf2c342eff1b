import { JourneymanError } from '../domain/errors.ts'

const refuse = (message: string): never => {
  throw new JourneymanError('invalid_input', message)
}

/** A full commit id. Short ones and names are refused, since they can mean something else tomorrow. */
export const requireCommitId = (commit: string): string =>
  /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(commit) ? commit : refuse(`"${show(commit)}" is not a full commit id.`)

/** The rules of `git check-ref-format --branch`, and nothing that could be read as an option. */
export const requireBranchName = (branch: string): string => {
  const bad =
    branch === '' ||
    branch.length > 200 ||
    branch === '@' ||
    /^[-/.]|[/.]$|\.\.|\/\/|\/\.|@\{|\.lock(?:\/|$)/.test(branch) ||
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a control character is what is looked for
    /[\x00-\x20\x7f~^:?*[\\]/.test(branch) ||
    branch === 'HEAD'
  return bad ? refuse(`"${show(branch)}" cannot be the name of a branch.`) : branch
}

/** Only http and https, and no credential in it: addresses stand in process lists and logs. */
export const requireRemoteUrl = (text: string): string => {
  const url = URL.parse(text)
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return refuse('The address of a repository must begin with https:// or http://.')
  }
  if (url.username !== '' || url.password !== '')
    return refuse('The address of a repository may not hold a credential.')
  return text
}

/** A path of the repository, as git has it: relative, with `/`, inside the tree. */
export const requireTreePath = (path: string): string => {
  const parts = path.split('/')
  const bad =
    path === '' || path.includes('\0') || path.startsWith('/') || parts.includes('..') || parts.some(isGitName)
  return bad ? refuse(`"${show(path)}" is not a path inside the repository.`) : path
}

/**
 * Would this name be git's own folder on some file system: `.GIT` where case is folded, `.g\u200cit` on HFS+, `git~1` and
 * `.git .` on NTFS? git refuses to store most of these; a proposal with one may not leave.
 */
export const isGitName = (name: string): boolean => {
  const folded = name
    .normalize('NFC')
    // HFS+ ignores some of these in a name.
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toLowerCase()
    .replace(/:.*$/, '')
    .replace(/[. ]+$/, '')
  return folded === '.git' || /^git~\d+$/.test(folded) || /(?:^|\\)\.git(?:\\|$)/.test(folded)
}

const show = (text: string): string => JSON.stringify(text.slice(0, 80)).slice(1, -1)
