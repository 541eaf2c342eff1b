import { JourneymanError } from '../domain/errors.ts'
import type { History } from './contract.ts'
import type { Git } from './git.ts'
import { requireTreePath } from './git-names.ts'
import type { RunPlace } from './run-place.ts'

const maxAnswerBytes = 48 * 1024
const maxEntries = 200
const maxBlameLines = 400

/** Reading the past for the agent. Works on objects alone: nothing in the work tree is looked at or run. */
export const createHistory = (git: Git, place: RunPlace, baseSha: string, diff: () => Promise<string>): History => {
  const ask = async (args: string[], what: string): Promise<string> => {
    const result = await git({ gitDir: place.gitDir }, args, {
      what,
      timeoutMs: 30_000,
      maxOutputBytes: maxAnswerBytes,
      mayTruncate: true,
      accept: [128],
    })
    if (result.exitCode === 128) throw new JourneymanError('not_found', whatGitSaid(result.stderr))
    return result.stdout.toString('utf8') + (result.truncated ? '\n[the rest is left out]\n' : '')
  }
  const quiet = ['--no-ext-diff', '--no-textconv', '--no-color']
  return {
    log: async ({ path, limit }) => {
      const count = `--max-count=${Math.min(Math.max(1, Math.floor(limit)), maxEntries)}`
      const format = '--format=%h %ad %an: %s'
      return ask(['log', ...quiet, count, '--date=short', format, baseSha, '--', ...pathOf(path)], 'reading the log')
    },
    show: async (commit, path) => {
      const revision = revisionOf(commit, baseSha)
      return ask(['show', ...quiet, '--stat', '--patch', revision, '--', ...pathOf(path)], 'showing a commit')
    },
    blame: async (path, from, to) => {
      const first = Math.max(1, Math.floor(from))
      const last = Math.min(Math.max(first, Math.floor(to)), first + maxBlameLines)
      return ask(['blame', '--date=short', `-L${first},${last}`, baseSha, '--', requireTreePath(path)], 'reading blame')
    },
    diff,
  }
}

const pathOf = (path: string | undefined): string[] =>
  path === undefined || path === '' || path === '.' ? [] : [requireTreePath(path)]

/** A commit by its id, whole or short, or counted back from the base commit: `base`, `HEAD~3`. */
const revisionOf = (text: string, baseSha: string): string => {
  if (/^[0-9a-f]{4,64}$/.test(text)) return `${text}^{commit}`
  const counted = /^(?:base|HEAD)((?:[~^]\d{0,4}){0,5})$/.exec(text)
  if (counted) return `${baseSha}${counted[1]}`
  throw new JourneymanError('invalid_input', 'Name a commit by its id, or as "HEAD", "HEAD~1" and so on.')
}

const whatGitSaid = (stderr: string): string => {
  const line = stderr.split('\n').find((text) => text.startsWith('fatal:'))
  return line === undefined
    ? 'There is nothing of that name in the history.'
    : line.replace('fatal: ', '').slice(0, 200)
}
