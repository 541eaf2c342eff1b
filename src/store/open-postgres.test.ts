import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { describeOnEachDatabase } from '../../test/databases.ts'

const terminateOthers = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`

describeOnEachDatabase('connections that are cut', (open, kind) => {
  if (kind === 'pglite') return test.skip('the embedded database has none', () => undefined)

  test('cut while idle: the next query has a new one', async () => {
    const database = await open()
    await Promise.all(Array.from({ length: 6 }, () => database.query('select pg_sleep(0.05)')))
    const other = await open()
    await database.query(terminateOthers)
    await other.query('select 1')
    for (let query = 0; query < 8; query++) {
      // One that is cut between hand-out and use is `store_unavailable`, and its place is taken by a new one.
      await database
        .query('select 1')
        .catch((error: unknown) => expect(error).toMatchObject({ code: 'store_unavailable' }))
    }
    expect((await database.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })

  test('cut in the middle of a transaction: store_unavailable, and nothing of it is kept', async () => {
    const database = await open()
    await database.query('create table notes (text text not null)')
    const work = database.db.transaction().execute(async (tx) => {
      await sql`insert into notes values ('half')`.execute(tx)
      await database.query(terminateOthers)
      await sql`insert into notes values ('whole')`.execute(tx)
    })
    await expect(work).rejects.toMatchObject({ code: 'store_unavailable' })
    expect((await database.query('select * from notes')).rows).toEqual([])
  })

  test('a listener whose connection is cut listens again and says so', async () => {
    const database = await open()
    const again = Promise.withResolvers<void>()
    const heard = Promise.withResolvers<string>()
    let subscriptions = 0
    const listener = await database.listen('news', heard.resolve, () => {
      subscriptions++
      if (subscriptions === 2) again.resolve()
    })
    await database.query(terminateOthers)
    await again.promise
    await database.query(`select pg_notify('news', 'after the cut')`)
    expect(await heard.promise).toBe('after the cut')
    await listener.close()
  })
})
