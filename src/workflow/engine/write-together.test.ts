import { sql } from 'kysely'
import { beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import { insertTestRun, stepImage } from '../../../test/rows.ts'
import { codeOf } from '../../domain/errors.ts'
import type { Claim } from '../../domain/run.ts'
import { loadSteps } from '../../store/steps.ts'
import { createWriteTogether } from './write-together.ts'

describeOnEachDatabase('what the runs of a worker write together', (open, kind) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  const claims = (count: number): Promise<Claim[]> =>
    Promise.all(Array.from({ length: count }, () => insertTestRun(database.db)))
  const addressesOf = async (claim: Claim): Promise<string[]> =>
    (await loadSteps(database.db, claim.runId)).map(({ address }) => address)
  const image = (address: string, more: object = {}) => stepImage({ address, result: { n: 1 }, ...more })

  it('is kept, whatever one of them has: a claim that is lost, much to keep, a row that is refused', async () => {
    const [first, lost, large, refused, last] = (await claims(5)) as [Claim, Claim, Claim, Claim, Claim]
    const write = createWriteTogether(database.db)
    // They come in one turn of the event loop, and go together.
    const ends = await Promise.allSettled([
      write(first, [image('a'), image('b', { ordinal: 2 })]),
      write({ ...lost, epoch: 7 }, [image('a')]),
      write(large, [image('a', { result: 'x'.repeat(100_000) })]),
      write(refused, [image('a', { state: 'nonsense' })]),
      write(last, [image('a')]),
    ])
    expect(ends.map((end) => (end.status === 'fulfilled' ? 'kept' : codeOf(end.reason)))).toEqual([
      'kept',
      'stale_epoch',
      'kept',
      'internal',
      'kept',
    ])
    expect(await Promise.all([first, lost, large, refused, last].map(addressesOf))).toEqual([
      ['a', 'b'],
      [],
      ['a'],
      [],
      ['a'],
    ])
    await write(first, [image('a', { result: { n: 2 } })])
    expect((await loadSteps(database.db, first.runId))[0]?.result).toEqual({ n: 2 })
  })

  it.skipIf(kind === 'pglite')(
    'waits for nobody else than its own run: one that somebody is about to claim is refused alone',
    async () => {
      const [one, taken, other] = (await claims(3)) as [Claim, Claim, Claim]
      const write = createWriteTogether(database.db)
      const ofTaken = await database.db.transaction().execute(async (tx) => {
        await sql`update workflow_executions set epoch = epoch + 1 where id = ${taken.runId}`.execute(tx)
        const writing = [write(one, [image('a')]), write(taken, [image('a')]), write(other, [image('a')])] as const
        const end = writing[1].then(
          () => 'kept',
          (error: unknown) => codeOf(error),
        )
        // While the row is locked.
        await Promise.all([writing[0], writing[2], write(one, [image('b', { ordinal: 2 })])])
        return { end }
      })
      expect(await ofTaken.end).toBe('stale_epoch')
      expect(await Promise.all([one, taken, other].map(addressesOf))).toEqual([['a', 'b'], [], ['a']])
    },
  )
})
