import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path/posix'

/** An import as it is written; `target` is the file's path from the root when it is one of ours. */
export type Import = { line: number; written: string; target: string | null }
export type Source = { path: string; text: string; imports: Import[] }
/** One broken rule: where, what, and how to mend it. */
export type Violation = string

/** Tests, the suites of contracts, and what stands in a room's `testing/` or `test-support/`. */
export const isForTests = (path: string): boolean => /\.test\.ts$|-suite\.ts$|\/(testing|test-support)\//.test(path)

/** Every file that git has or would take, as paths from the root. */
export const listFiles = (root: string): string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(root, path)))
    .toSorted()

export const readSource = (root: string, path: string): Source => sourceOf(path, readFileSync(join(root, path), 'utf8'))

export const sourceOf = (path: string, text: string): Source => ({ path, text, imports: importsOf(path, text) })

/** Static, dynamic and type-only imports, re-exports, and the files that workers and programs are started from. */
const importsOf = (path: string, text: string): Import[] => {
  const code = withoutTemplates(withoutComments(text))
  const pattern =
    /(?:^|[\s;}])(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|(?:^|[\s;}])import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]|new URL\(\s*['"](\.{1,2}\/[^'"]+\.ts)['"]/g
  return [...code.matchAll(pattern)].map((match) => {
    const written = match[1] ?? match[2] ?? match[3] ?? match[4] ?? ''
    const line = code.slice(0, match.index + match[0].length).split('\n').length
    return { line, written, target: written.startsWith('.') ? join(dirname(path), written) : null }
  })
}

/**
 * Comments become spaces, so that lines stay where they are. Strings are stepped over: a glob in one is no comment. It reads
 * code that a formatter wrote, and is no parser; a regular expression with an odd quote in it ends at its line.
 */
export const withoutComments = (text: string): string => blank(text, (found) => found.startsWith('/'))

/** A program inside a text (a sample, a script for a child) imports nothing here. */
const withoutTemplates = (text: string): string => blank(text, (found) => found.startsWith('`'))

const blank = (text: string, unwanted: (found: string) => boolean): string =>
  text.replace(
    /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g,
    (found) => (unwanted(found) ? found.replace(/[^\n]/g, ' ') : found),
  )
