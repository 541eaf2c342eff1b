/**
 * Patterns of paths as people write them in settings: `.github/` is a folder with all below it, `Dockerfile*` is that name
 * anywhere, `/setup.cfg` and `docs/*.md` begin at the top, `**` crosses folders. Compared without regard to case, since
 * `.GitHub/` is the same folder on many disks.
 */
export type PathPattern = { pattern: string; matches: (path: string) => boolean }

export const pathPattern = (pattern: string): PathPattern => {
  const folder = pattern.endsWith('/') || pattern.endsWith('/**')
  const bare = foldPath(pattern.replace(/^\/+/, '').replace(/(?:\/\*\*|\/)$/, ''))
  const anchored = pattern.startsWith('/') || bare.includes('/')
  const expression = new RegExp(`^${anchored ? '' : '(?:.*/)?'}${translate(bare)}${folder ? '(?:/.*)?' : ''}$`, 'su')
  return { pattern, matches: (path) => expression.test(foldPath(path)) }
}

/** One spelling for what some file system takes to be the same path. */
export const foldPath = (path: string): string =>
  path
    .normalize('NFKC')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toLowerCase()
    .replaceAll('\\', '/')
    .split('/')
    .map((part) => (part === '.' || part === '..' ? part : part.replace(/[. ]+$/, '')))
    .join('/')

const translate = (pattern: string): string =>
  pattern
    .split(/(\*\*\/|\*\*|\*|\?)/)
    .map((part) => wildcards[part] ?? part.replace(/[.+^${}()|[\]\\/]/g, '\\$&'))
    .join('')

const wildcards: Record<string, string> = { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' }
