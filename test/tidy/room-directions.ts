import { isForTests, type Source, type Violation } from './read-sources.ts'

/**
 * Who may import whom: HOUSE.md's table with what docs/DECISIONS.md added. A room may always import itself and `domain`.
 * `contracts` are the `contract.ts` of plugins and of rooms; a path names one part of a room.
 */
const allowed: Record<string, readonly string[]> = {
  domain: [],
  config: [],
  store: [],
  ledger: ['store'],
  workspace: [],
  workflow: ['store', 'ledger', 'contracts'],
  agents: ['ledger', 'workspace', 'contracts'],
  report: ['store', 'contracts'],
  queue: ['store'],
  inbox: ['store', 'queue', 'contracts', 'workflow/language'],
  // What stands between the house and services that fail: it wraps plugins, and knows them by contract.
  guard: ['store', 'contracts'],
  api: ['store'],
  // What an operator may do to runs: verbs over rows, jobs and definitions.
  operate: ['store', 'workflow', 'contracts'],
  // The commands are main.ts's hands: they build the app, and the demo starts the world.
  cli: ['config', 'store', 'operate', 'workspace', 'world', 'wiring', 'rehearsal', 'app.ts'],
  // A workflow's tests are played by the whole product beside the world: a demo that asserts.
  rehearsal: ['config', 'store', 'queue', 'workflow/language', 'workspace', 'world', 'wiring', 'app.ts'],
  world: [],
}

/** app.ts, main.ts and wiring/ put the house together: they may import everything, and no room imports them. */
const isWiring = (path: string): boolean => path.split('/').length === 2 || path.startsWith('src/wiring/')

/** Rules for the product's own code. What is only for tests may also use the world, and what lies in `test/`. */
export const checkDirections = (sources: Source[]): Violation[] =>
  sources.filter((source) => source.path.startsWith('src/') && !isWiring(source.path)).flatMap(checkSource)

const checkSource = (source: Source): Violation[] => {
  const room = roomOf(source.path)
  if (room !== 'plugins' && allowed[room] === undefined) {
    return [`${source.path} stands in no room; move it into one of HOUSE.md's, or add the room to test/tidy.`]
  }
  return source.imports.flatMap(({ target, line, written }) => {
    if (target === null || mayImport(source.path, target)) return []
    return [`${source.path}:${line} imports ${written}. ${remedy(source.path, target)}`]
  })
}

const mayImport = (from: string, to: string): boolean => {
  if (isForTests(from) && /^(test|src\/world)\//.test(to)) return true
  if (!to.startsWith('src/')) return false
  if (roomOf(to) === 'domain') return true
  if (from.startsWith('src/plugins/')) return mayPluginImport(from, to)
  if (roomOf(from) === roomOf(to)) return true
  return (allowed[roomOf(from)] ?? []).some((part) =>
    part === 'contracts' ? isContract(to) : to === `src/${part}` || to.startsWith(`src/${part}/`),
  )
}

/**
 * A service's folder knows its own category's contract, and the client that the plugins of one service share
 * (`plugins/github-client/` for every `plugins/<category>/github/`); a category's own files know their category.
 */
const mayPluginImport = (from: string, to: string): boolean => {
  const [category, service] = from.split('/').slice(2)
  const [toCategory, toService] = to.split('/').slice(2)
  if (toCategory === `${service}-client`) return true
  if (!to.startsWith('src/plugins/') || category !== toCategory) return false
  return isFolder(from) && isFolder(to) ? service === toService : !isFolder(to) || isForTests(from)
}

const isFolder = (path: string): boolean => path.split('/').length > 4
const isContract = (path: string): boolean => path.endsWith('/contract.ts')
const roomOf = (path: string): string => path.split('/')[1] ?? ''

const remedy = (from: string, to: string): string => {
  if (from.startsWith('src/plugins/') && to.startsWith('src/plugins/')) {
    return 'Plugins stay apart: take what you need as an option, or let the contract say it.'
  }
  const room = roomOf(from)
  const known = ['domain', ...(allowed[room] ?? [])].join(', ')
  return `${room} may import ${room === 'plugins' ? 'domain and its own contract' : known}; have app.ts hand in what it needs, as a function.`
}
