import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { checkForeignPlaces, checkMigrations, checkNames, checkPluginSuites } from './tidy/file-rules.ts'
import { findCycles } from './tidy/import-cycles.ts'
import { listFiles, readSource, sourceOf, type Violation } from './tidy/read-sources.ts'
import { checkDirections } from './tidy/room-directions.ts'
import { checkLengths, checkTexts } from './tidy/text-rules.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const files = listFiles(root)
const sources = files.filter((path) => /\.(ts|js)$/.test(path)).map((path) => readSource(root, path))
const isText = (path: string): boolean => !/\.(png|jpg|gif|ico|wasm|gz|tgz|zip|pack|bundle)$/.test(path)

/** Fails with a list that a person can work through, and no stack above it: the place to look at is in the list. */
const expectNone = (violations: Violation[]): void => {
  if (violations.length === 0) return
  const error = new Error(
    `${violations.length} to mend:\n${violations.map((violation) => `- ${violation}`).join('\n')}`,
  )
  error.stack = ''
  throw error
}

describe('the house', () => {
  it('finds its own files', () => {
    expect(sources.map((source) => source.path)).toEqual(
      expect.arrayContaining(['src/domain/errors.ts', 'test/tidy.test.ts']),
    )
  })
  it('has rooms that import only what they may', () => expectNone(checkDirections(sources)))
  it('has no import cycles', () => expectNone(findCycles(sources)))
  it('imports only files that are there', () => {
    const known = new Set(files)
    const missing = sources.flatMap(({ path, imports }) =>
      imports.flatMap(({ target, line, written }) =>
        target === null || known.has(target) || !path.startsWith('src/')
          ? []
          : [`${path}:${line} imports ${written}, which is not there.`],
      ),
    )
    expectNone(missing)
  })
  it('reads the environment, ends the process and exports as it should', () => expectNone(checkTexts(sources)))
  it('has files of a size that can be read', () => expectNone(checkLengths(sources)))
  it('names files for what they hold', () => expectNone(checkNames(files)))
  it('numbers its migrations', () => expectNone(checkMigrations(files)))
  it('has plugins that run their contract', () => expectNone(checkPluginSuites(sources)))
  it('names no place of one machine or network', () => {
    const texts = files.filter(isText).map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    expectNone(checkForeignPlaces(texts))
  })
})

/** A guard that cannot fail guards nothing. */
describe('the guards', () => {
  const directionsOf = (path: string, text: string): number => checkDirections([sourceOf(path, text)]).length

  it.each([
    ['src/domain/a.ts', "import { b } from '../store/b.ts'"],
    ['src/domain/a.ts', "import type {\n  B,\n} from '../store/b.ts'"],
    ['src/store/a.ts', "export * from '../config/schema.ts'"],
    ['src/workflow/engine/a.ts', "import { b } from '../../workspace/workspaces.ts'"],
    ['src/inbox/a.ts', "import { b } from '../workflow/engine/b.ts'"],
    ['src/report/a.ts', "const b = await import('../agents/b.ts')"],
    ['src/cli/a.ts', "import { b } from '../workflow/engine/b.ts'"],
    ['src/agents/a.ts', "import '../world/b.ts'"],
    ['src/queue/a.ts', "new Worker(new URL('../store/../world/b.ts', import.meta.url))"],
    ['src/plugins/version-control/github/a.ts', "import { b } from '../gitlab/b.ts'"],
    ['src/plugins/version-control/github/a.ts', "import { b } from '../../task-management/contract.ts'"],
    ['src/plugins/version-control/gitlab/a.ts', "import { b } from '../../github-client/b.ts'"],
    ['src/plugins/github-client/a.ts', "import { b } from '../version-control/contract.ts'"],
    ['src/plugins/version-control/contract.ts', "import { b } from './github/b.ts'"],
    ['src/domain/a.ts', "import { b } from '../../test/b.ts'"],
    ['src/domain/a.ts', "const a = '**/*.ts'\nimport { b } from '../store/b.ts'\nconst c = '*/'"],
    ['src/drawer/a.ts', ''],
  ])('see that %s must not say %s', (path, text) => expect(directionsOf(path, text)).toBe(1))

  it.each([
    ['src/app.ts', "import { b } from './cli/b.ts'"],
    ['src/workflow/engine/a.ts', "import type { B } from '../../agents/contract.ts'"],
    ['src/agents/a.ts', "import type { B } from '../plugins/ai-provider/contract.ts'"],
    ['src/inbox/a.ts', "import { b } from '../workflow/language/b.ts'"],
    ['src/plugins/version-control/github/a.ts', "import type { B } from '../contract.ts'"],
    ['src/plugins/version-control/github/a.ts', "import { b } from '../../github-client/b.ts'"],
    ['src/plugins/version-control/github/github.test.ts', "import { b } from '../../../world/start-world.ts'"],
    ['src/store/a.ts', "const a = '**/*.ts' // import { b } from '../config/b.ts'"],
    ['src/store/a.ts', "const a = `\nimport { b } from '../config/b.ts'\n`"],
    ['src/store/a.ts', "// import { b } from '../config/b.ts'"],
    ['src/store/a.ts', "import { Kysely } from 'kysely'"],
  ])('let %s say %s', (path, text) => expect(directionsOf(path, text)).toBe(0))

  it('see a circle of imports', () => {
    const circle = [
      sourceOf('src/store/a.ts', "import { b } from './b.ts'"),
      sourceOf('src/store/b.ts', "import type { C } from './c.ts'"),
      sourceOf('src/store/c.ts', "import { a } from './a.ts'"),
    ]
    expect(findCycles(circle)).toHaveLength(1)
    expect(findCycles(circle.slice(1))).toHaveLength(0)
  })

  it.each([
    'const a = process.env.HOME',
    "const a = process['env']",
    'process.exit(1)',
    'export enum Colour { Red }',
    'const enum Colour { Red }',
    'export default 1',
    "vi.mock('./a.ts')",
    "import fc from 'fast-check'",
  ])('see %s', (text) => expect(checkTexts([sourceOf('src/store/a.ts', `\n${text}\n`)])).toHaveLength(1))

  it('see names, lengths, numbers and suites', () => {
    expect(checkNames(['src/store/index.ts', 'src/utils/a.ts', 'src/store/myFile.ts', 'src/a_b.ts'])).toHaveLength(4)
    expect(checkNames(['src/store/my-file.test.ts', 'migrations/0001_first.sql', 'README.md'])).toEqual([])
    expect(checkLengths([sourceOf('src/a.ts', 'x\n'.repeat(401))])).toHaveLength(1)
    expect(checkMigrations(['migrations/0001_a.sql', 'migrations/0003_b.sql'])).toHaveLength(1)
    const plugin = sourceOf('src/plugins/version-control/github/github.ts', '')
    const suite = sourceOf('src/plugins/version-control/github/github.test.ts', "import '../contract-suite.ts'")
    expect(checkPluginSuites([plugin])).toHaveLength(1)
    expect(checkPluginSuites([plugin, suite])).toHaveLength(0)
  })

  it.each(['main', 'shared'])('see a path of this machine (%s)', (folder) => {
    expect(checkForeignPlaces([{ path: 'a', text: `cd /${'work'}/${folder}` }])).toHaveLength(1)
    expect(checkForeignPlaces([{ path: 'a', text: `cat /${'root'}/${folder}` }])).toHaveLength(1)
    expect(checkForeignPlaces([{ path: 'a', text: 'cat /root/.ssh/id_rsa; cd src/work/x' }])).toHaveLength(0)
  })
})
