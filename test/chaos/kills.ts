import { expect, it } from 'vitest'
import { type CrashPoint, crashPoints } from '../../src/domain/crash-point.ts'
import { openHouse, type Served } from '../end-to-end/house.ts'
import { answersByTurn, expectInvariants } from '../end-to-end/invariants.ts'
import { endedIn, quickFiles } from '../end-to-end/kill.ts'

/**
 * Kills the process at every named place, and a second time at another that the seed chooses, on both databases. A seed
 * that fails is printed in the test's name: CHAOS_SEED=<seed> CHAOS_ROUNDS=1 npm run chaos.
 */
const rounds = Number(process.env['CHAOS_ROUNDS'] ?? 1)
const firstSeed = Number(process.env['CHAOS_SEED'] ?? 1)

/** Where a repeated call may have been paid twice: between the model's answer and the row that keeps it. */
const mayRepeatOneCall: ReadonlySet<CrashPoint> = new Set(['model.after', 'settle.before'])

export const itSurvivesEverything = (kind: 'pglite' | 'postgres'): void => {
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
    for (const [index, first] of crashPoints.entries()) {
      const random = randomFrom(seed * 1_000 + index)
      const second = crashPoints[Math.floor(random() * crashPoints.length)] as CrashPoint
      const kills: [CrashPoint, number][] = [
        [first, 1 + Math.floor(random() * 2)],
        [second, 1 + Math.floor(random() * 3)],
      ]
      it(`seed ${seed}: ${kills.map(([point, occurrence]) => `${point}:${occurrence}`).join(' then ')}`, async () => {
        await survive(kind, kills)
      })
    }
  }
}

const survive = async (kind: 'pglite' | 'postgres', kills: [CrashPoint, number][]): Promise<void> => {
  const house = await openHouse(kind, { files: quickFiles })
  let labelled = false
  for (const [point, occurrence] of kills) {
    const served = await house.spawn({ JOURNEYMAN_CRASH_AT: `${point}:${occurrence}` })
    if (!labelled && served.url !== '') {
      labelled = true
      // Killed between commit and answer, GitHub hears nothing; the row is there all the same.
      await house.label().catch(() => undefined)
    }
    // Not every place is reached a second time, or at all once the run has ended.
    await Promise.race([served.ended, new Promise((resolve) => setTimeout(resolve, 12_000))])
    await endHard(served)
  }
  const run = await endedIn(house, await house.spawn())
  expect(run.failure).toBeNull()
  expect(run.state).toBe('done')
  expect(house.repository.pulls()).toHaveLength(1)
  const repeatable = kills.filter(([point]) => mayRepeatOneCall.has(point)).length
  const repeated = answersByTurn(house).reduce((sum, count) => sum + count - 1, 0)
  // A process that we end ourselves above may have a call in flight as well.
  expect(repeated).toBeLessThanOrEqual(repeatable + kills.length)
  await expectInvariants(house, run)
}

const endHard = async (served: Served): Promise<void> => {
  served.kill('SIGKILL')
  await served.ended
}

/** A small generator with a seed (mulberry32). */
const randomFrom = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
