import type { Source, Violation } from './read-sources.ts'

const drawers: ReadonlySet<string> = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'lib', 'misc', 'shared'])

/** Names of files and folders. Only what the project itself names is bound; a tool's or a platform's names are theirs. */
export const checkNames = (paths: string[]): Violation[] =>
  paths
    .filter((path) => /^(src|test|bench|scripts|bin|migrations|workflows|prompts)\//.test(path))
    .flatMap((path) => {
      const parts = path.split('/').map((part) => part.split('.', 1)[0] ?? '')
      const drawer = parts.find((part) => drawers.has(part))
      const odd = parts.filter((part) => !/^[a-z0-9]+([-_][a-z0-9]+)*$/.test(part))
      const isCode = /\.(ts|js)$/.test(path)
      return [
        ...(odd.length > 0 || (isCode && path.includes('_')) ? [`${path}: write it in kebab-case.`] : []),
        ...(drawer === undefined ? [] : [`${path}: "${drawer}" is a drawer; name it for what it holds.`]),
        ...(isCode && parts.at(-1) === 'index'
          ? [`${path}: name the file for what it exports; there is no index.ts.`]
          : []),
      ]
    })

/** Forward only, numbered from 0001 without a gap or a repeat. */
export const checkMigrations = (paths: string[]): Violation[] =>
  paths
    .filter((path) => path.startsWith('migrations/'))
    .toSorted()
    .flatMap((path, index) => {
      const expected = `migrations/${String(index + 1).padStart(4, '0')}_`
      if (path.startsWith(expected) && path.endsWith('.sql')) return []
      return [`${path}: it should be ${expected}<what_it_does>.sql; numbers have no gaps and no repeats.`]
    })

/** Every plugin runs the suite of its category, in a test named for the service. */
export const checkPluginSuites = (sources: Source[]): Violation[] => {
  const services = new Set(sources.flatMap(({ path }) => path.match(/^src\/plugins\/[^/]+\/[^/]+(?=\/)/)?.[0] ?? []))
  return [...services].flatMap((folder) => {
    const [category, service] = folder.split('/').slice(2)
    const suite = `src/plugins/${category}/contract-suite.ts`
    const runs = sources.some(
      ({ path, imports }) => path === `${folder}/${service}.test.ts` && imports.some((found) => found.target === suite),
    )
    return runs ? [] : [`${folder} does not run its contract; let ${service}.test.ts import ../contract-suite.ts.`]
  })
}

/** What belongs to one machine or one company's network, and would not work on anyone else's. */
export const checkForeignPlaces = (files: { path: string; text: string }[]): Violation[] =>
  files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const found = foreignPlaces.find((pattern) => pattern.test(line))
      return found === undefined ? [] : [`${path}:${index + 1} names a place of one machine or network; leave it out.`]
    }),
  )

const foreignPlaces: RegExp[] = [
  /(?<![\w.])\/work\/(?:main|shared|specs|\.\w+)\b/,
  /(?<![\w.])\/(?:root|home\/(?!user\b|node\b|me\b|agent\b|journeyman\b)[a-z][\w-]*)\/(?!\.(?:ssh|aws|npmrc|config|gnupg|netrc|bashrc)\b)\w/,
  /"resolved":\s*"(?!https:\/\/registry\.npmjs\.org\/)/,
  /^\s*(?:\S+:)?registry\s*=/,
  /https?:\/\/[\w.-]*(?:artifactory|nexus|verdaccio|npm-proxy|goproxy)[\w.-]*/i,
]
