import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { findPlays } from '../../src/rehearsal/find-plays.ts'
import { openStage, type Stage } from '../../src/rehearsal/open-stage.ts'
import { createReport } from '../../src/rehearsal/rehearsal-report.ts'
import { rehearse } from '../../src/rehearsal/rehearse.ts'

const root = join(import.meta.dirname, '../..')
const folders = ['workflows', 'examples/workflows'].map((path) => join(root, path)).filter((path) => existsSync(path))
const plays = findPlays(folders)

let opened: Promise<Stage> | null = null
const stage = (): Promise<Stage> => {
  opened ??= openStage()
  return opened
}
afterAll(async () => (await opened)?.close())

/** A whole file of cases; machines are shared. */
const timeoutMs = 600_000

describe('what ships does what its tests say', () => {
  it.each(plays.map((play) => [relative(root, play.workflow), play] as const))(
    '%s',
    async (_name, play) => {
      const said: string[] = []
      const rehearsal = await rehearse(
        stage,
        play,
        createReport((line) => void said.push(line), false),
      )
      const failed = rehearsal.performances.filter((performance) => !performance.passed)
      const isGood =
        rehearsal.problems.length + failed.length === 0 && rehearsal.performances.length + rehearsal.within.length > 0
      expect(isGood, said.join('\n')).toBe(true)
    },
    timeoutMs,
  )
})
