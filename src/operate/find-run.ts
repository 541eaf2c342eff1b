import { JourneymanError } from '../domain/errors.ts'
import type { Run } from '../domain/run.ts'
import type { Db } from '../store/database.ts'
import { findRuns } from '../store/find-runs.ts'

const mostNamed = 5

/** The run of that id, or of that beginning of one, with or without `run_`. Throws `not_found`, `invalid_input`. */
export const findRun = async (db: Db, asked: string): Promise<Run> => {
  const beginning = asked.startsWith('run_') ? asked : `run_${asked}`
  if (!/^run_[0-9a-z]{1,40}$/.test(beginning)) throw noSuchRun(asked)
  const found = await findRuns(db, beginning, mostNamed + 1)
  const run = found.find(({ id }) => id === beginning) ?? found[0]
  if (!run) throw noSuchRun(asked)
  if (found.length === 1 || run.id === beginning) return run
  const named = found.slice(0, mostNamed).map(({ id }) => id)
  const more = found.length > mostNamed ? ' and others' : ''
  throw new JourneymanError(
    'invalid_input',
    `"${asked}" is the beginning of several runs: ${named.join(', ')}${more}.`,
    {
      nextAction: 'Give more letters of the one that is meant.',
    },
  )
}

const noSuchRun = (asked: string): JourneymanError =>
  new JourneymanError('not_found', `There is no run "${asked}".`, {
    nextAction: 'Say "journeyman status" to see them.',
  })
