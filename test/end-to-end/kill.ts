import { expect, it } from 'vitest'
import type { CrashPoint } from '../../src/domain/crash-point.ts'
import type { Run } from '../../src/domain/run.ts'
import { listRuns } from '../../src/store/runs.ts'
import { sampleRepository } from '../../src/world/demo/sample-repository.ts'
import { type House, type OpenHouse, progressComments, type Served, until } from './house.ts'
import { answersByTurn, expectInvariants } from './invariants.ts'

/** A place where the worker is killed, and how often its reaching it lets it live. */
export type KillPoint = { point: CrashPoint; occurrence: number }

/** Starts quickly, so that a test of a restart is about the restart. */
export const quickFiles = {
  ...sampleRepository.files,
  '.journeyman.yml': 'checks:\n  - name: tests\n    command: node --test\n',
}

/** A turn is finished under the next call: that one is in the air, may have been answered, and may be asked again. */
const inFlightAt = ({ point, occurrence }: KillPoint): number | null => (point === 'turn.after' ? occurrence : null)

/** SIGKILL there, then another process: one pull request, one progress comment, no turn paid twice. */
export const itSurvivesKillsAt = (open: OpenHouse, points: readonly KillPoint[]): void => {
  for (const { point, occurrence } of points) {
    it(`goes on after kill -9 at ${point}${occurrence > 1 ? ` (${occurrence})` : ''}`, async () => {
      const house = await open({ files: quickFiles })
      const first = await house.spawn({ JOURNEYMAN_CRASH_AT: `${point}:${occurrence}` })
      await house.label()
      expect(await first.ended).toBe('SIGKILL')

      const second = await house.spawn()
      const run = await endedIn(house, second)
      expect(run.failure).toBeNull()
      expect(run.state).toBe('done')
      expect(house.repository.pulls()).toHaveLength(1)
      expect(
        answersByTurn(house).map((count, turn) => (turn === inFlightAt({ point, occurrence }) ? 1 : count)),
      ).toEqual([1, 1, 1, 1, 1])
      await expectInvariants(house, run)
    })
  }
}

/** Waits until people are told of the end, ends the process in good order, and gives the run. */
export const endedIn = async (house: House, served: Served): Promise<Run> => {
  await until('the comment tells of the end', async () =>
    progressComments(house).some(({ body }) => /^\*\*(Done|Failed|Stopped)/.test(body)),
  )
  served.kill('SIGTERM')
  expect(await served.ended).toBe(0)
  const [run] = await house.look(({ db }) => listRuns(db, { limit: 1 }))
  if (!run) throw new Error('There is no run.')
  return run
}
