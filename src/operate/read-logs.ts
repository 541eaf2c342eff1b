import { z } from 'zod'
import { JourneymanError } from '../domain/errors.ts'
import { isLive, type RunState } from '../domain/run.ts'
import { happenings } from '../store/timeline.ts'
import { verb } from './contract.ts'
import { findRun } from './find-run.ts'
import { type LogLine, logLines } from './log-lines.ts'

export type Logs = {
  run: string
  state: RunState
  lines: LogLine[]
  /** To be given back, to be told what has happened since. */
  cursor: string
}

/**
 * Rows carry the time at which their transaction began, and are seen when it has ended: what is told after a cursor looks
 * back this far, and leaves out what the cursor says has been told.
 */
const overlapMs = 60_000

/** The timeline of a run, whole or since a cursor. */
export const readLogs = verb({
  reads: true,
  input: z.strictObject({ run: z.string(), after: z.string().max(1_000_000).optional() }),
  ask: async ({ database: { db } }, input): Promise<Logs> => {
    const seen = input.after === undefined ? nothingSeen : readCursor(input.after)
    // The state first: whatever is written before the end is then seen with the end, or before.
    const run = await findRun(db, input.run)
    const since = new Date(seen.latest - overlapMs)
    // A step that ends now comes with its beginning, which may be long ago and has been told.
    const found = logLines(run, await happenings(db, run.id, since)).filter(({ at }) => at >= since.toISOString())
    const lines = found.filter(({ id }) => !seen.ids.has(id))
    return { run: run.id, state: run.state, lines, cursor: cursorAfter(seen, found) }
  },
  follow: {
    next: (input, { state, cursor }) => (isLive(state) ? { ...input, after: cursor } : null),
    isNews: (output, before) => before === null || output.lines.length > 0 || !isLive(output.state),
  },
})

type Seen = { latest: number; ids: Set<string> }

const nothingSeen: Seen = { latest: overlapMs, ids: new Set() }

const cursorAfter = (seen: Seen, found: LogLine[]): string => {
  const latest = found.reduce((last, { at }) => Math.max(last, Date.parse(at)), seen.latest)
  const recent = found.filter(({ at }) => Date.parse(at) >= latest - overlapMs)
  return Buffer.from(JSON.stringify([latest, recent.map(({ id }) => id)])).toString('base64url')
}

const readCursor = (text: string): Seen => {
  try {
    const [latest, ids] = z
      .tuple([z.number(), z.array(z.string())])
      .parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
    return { latest, ids: new Set(ids) }
  } catch {
    throw new JourneymanError('invalid_input', 'That is no cursor which these logs have given.')
  }
}
