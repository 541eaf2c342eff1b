import { sql } from 'kysely'
import { beforeAll, describe, expect, it } from 'vitest'
import { fc, times } from '../../test/at-random.ts'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import { failureOf, JourneymanError } from '../domain/errors.ts'
import { type Breaker, loadBreakers } from '../store/circuit-breakers.ts'
import { type Breakers, createBreakers } from './breakers.ts'

const settings = { failures: 3, openSeconds: 30, mostOpenSeconds: 600 }
const mostWorkers = 4

/** What happens, in an order and by workers that chance chooses. */
type Happening =
  | { kind: 'call'; worker: number }
  | { kind: 'crowd'; size: number }
  | { kind: 'end'; call: number; as: 'well' | 'ill' | 'unknown' }
  | { kind: 'die'; call: number }
  | { kind: 'time'; passes: true }

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('call' as const), worker: fc.nat(mostWorkers - 1) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crowd' as const), size: fc.integer({ min: 2, max: 6 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      call: fc.nat(9),
      as: fc.constantFrom('well' as const, 'ill' as const, 'ill' as const, 'ill' as const, 'unknown' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('die' as const), call: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('time' as const), passes: fc.constant(true as const) }) },
)

type Call = { isProbe: boolean; settle: (as: 'well' | 'ill' | 'unknown') => Promise<void> }

describeOnEachDatabase('breakers under whatever happens', (open, kind) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })

  it('never let two probes go at a time, open after failures in a row alone, and close when the service is well', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 10, maxLength: 50 }), async (happenings) => {
        const house = await houseOf(database)
        for (const each of happenings) await house.happen(each)
        await house.getWell()
      }),
      { numRuns: times(kind === 'pglite' ? 40 : 15) },
    )
  })
})

/** Workers that share one database, and what they may rightly believe of the service. */
const houseOf = async (database: TestDatabase) => {
  await sql`delete from circuit_breakers`.execute(database.db)
  const workers = Array.from({ length: mostWorkers }, (_, index) =>
    createBreakers({
      db: database.db,
      owner: `worker ${index}`,
      settings: () => settings,
      log: () => undefined,
      refreshMs: 0,
      probeSeconds: 3600,
    }),
  )
  const calls: Call[] = []
  let failuresSinceClosed = 0
  let failuresInARow = 0
  const read = async (): Promise<Breaker | undefined> => (await loadBreakers(database.db))[0]
  const liveProbes = () => calls.filter(({ isProbe }) => isProbe)

  /** So many calls at once, from one worker after the other. */
  const crowd = async (size: number, first = 0): Promise<void> => {
    const before = await read()
    const isClosed = !before || before.state === 'closed'
    const asked = Array.from({ length: size }, (_, index) => begin(workers[(first + index) % mostWorkers] as Breakers))
    const passed = (await Promise.all(asked)).filter((settle) => settle !== null)
    const mayProbe = before !== undefined && before.retryInMs === 0
    expect(passed).toHaveLength(isClosed ? size : mayProbe ? 1 : 0)
    if (!isClosed && passed.length > 0) expect(liveProbes()).toEqual([])
    for (const settle of passed) calls.push({ isProbe: !isClosed, settle })
  }

  const end = async (index: number, as: 'well' | 'ill' | 'unknown'): Promise<void> => {
    const [ended] = calls.splice(index % Math.max(1, calls.length), 1)
    if (!ended) return
    const before = await read()
    await ended.settle(as)
    const after = await read()
    if (as === 'ill') failuresSinceClosed++
    if (as === 'ill' && (before?.state ?? 'closed') === 'closed') failuresInARow++
    if (as === 'well') failuresInARow = 0
    if (failuresInARow >= settings.failures) expect(after?.state).not.toBe('closed')
    if (after?.state === 'closed') expect(after.failures).toBeLessThan(settings.failures)
    if (after && after.state !== 'closed') expect(failuresSinceClosed).toBeGreaterThanOrEqual(settings.failures)
    // Only a probe opens the way again.
    if (before && before.state !== 'closed' && after?.state === 'closed') {
      expect([ended.isProbe, as]).toEqual([true, 'well'])
      failuresSinceClosed = 0
      failuresInARow = 0
    }
  }

  /** The time of the next try has come; the claim of a probe lapses only with its owner, who renews it. */
  const passTime = () =>
    sql`update circuit_breakers set retry_at = now() - interval '1 second'
      where state = 'open' or (state = 'half_open' and ${liveProbes().length === 0})`.execute(database.db)

  return {
    happen: async (each: Happening) => {
      if (each.kind === 'call') await crowd(1, each.worker)
      if (each.kind === 'crowd') await crowd(each.size)
      if (each.kind === 'end') await end(each.call, each.as)
      if (each.kind === 'die') calls.splice(each.call % Math.max(1, calls.length), 1)
      if (each.kind === 'time') await passTime()
    },
    /** All who were under way die, and whoever asks next is answered. */
    getWell: async () => {
      calls.length = 0
      await passTime()
      await crowd(mostWorkers)
      while (calls.length > 0) await end(0, 'well')
      expect((await read())?.state ?? 'closed').toBe('closed')
    },
  }
}

/** null where it was refused; else how the call is ended. */
const begin = async (worker: Breakers): Promise<Call['settle'] | null> => {
  const outcome = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<true>()
  const passed = worker
    .pass('github', () => {
      begun.resolve(true)
      return outcome.promise
    })
    .then(() => undefined, failureOf)
  const refused = passed.then(() => false as const)
  if (!(await Promise.race([begun.promise, refused]))) return null
  return async (as) => {
    if (as === 'well') outcome.resolve()
    else outcome.reject(new JourneymanError(as === 'ill' ? 'unavailable' : 'stopped', 'It ended.'))
    await passed
  }
}

describe('the generator', () => {
  it('reaches openings', () => {
    const found = fc.sample(fc.array(happening, { minLength: 10, maxLength: 50 }), 50)
    const ills = found.map((all) => all.filter((each) => each.kind === 'end' && each.as === 'ill').length)
    expect(ills.filter((count) => count >= settings.failures).length).toBeGreaterThan(20)
  })
})
