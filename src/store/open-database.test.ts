import { sql } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import { openDatabase } from './open-database.ts'
import { isUniqueViolation } from './translate-error.ts'

describeOnEachDatabase('an open database', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })

  test('reads numbers, times and JSON alike', async () => {
    const { rows } = await database.query(
      `select 9007199254740991::int8 as big, sum(n) as total, count(*) as rows, $1::jsonb as json, $2::text[] as list,
         '2026-11-20 10:00:00.123+02'::timestamptz as at, '2026-11-20 23:30:00-02'::timestamptz::text as text,
         null::jsonb as nothing, true as yes
       from (values (1::int8), (2::int8)) as v (n)`,
      [JSON.stringify({ a: [1, null] }), ['x', 'y']],
    )
    expect(rows).toEqual([
      {
        big: 9007199254740991,
        total: 3,
        rows: 2,
        json: { a: [1, null] },
        list: ['x', 'y'],
        at: new Date('2026-11-20T08:00:00.123Z'),
        text: '2026-11-21 01:30:00+00',
        nothing: null,
        yes: true,
      },
    ])
  })

  test('a transaction is seen by others when it has committed, and never when it was rolled back', async () => {
    const { db, query } = database
    await query('create table notes (text text not null)')
    const insert = (text: string, fail: boolean) =>
      db.transaction().execute(async (tx) => {
        await sql`insert into notes values (${text})`.execute(tx)
        if (fail) throw new Error('not this one')
      })
    await insert('kept', false)
    await expect(insert('dropped', true)).rejects.toThrow('not this one')
    expect((await query('select text from notes')).rows).toEqual([{ text: 'kept' }])
  })

  test('transactions at once neither mix nor wait for ever', async () => {
    const { db, query } = database
    await query('create table counters (n integer not null)')
    await query('insert into counters values (0)')
    const increment = () =>
      db.transaction().execute(async (tx) => {
        const { rows } = await sql<{ n: number }>`select n from counters for update`.execute(tx)
        await sql`update counters set n = ${rows[0]!.n + 1}`.execute(tx)
      })
    await Promise.all(Array.from({ length: 40 }, increment))
    expect((await query('select n from counters')).rows).toEqual([{ n: 40 }])
  })

  test('a statement that fails leaves nothing behind for the next', async () => {
    const { db, query } = database
    await expect(query('begin; select 1/0; commit')).rejects.toMatchObject({ code: '22012' })
    expect((await query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await expect(db.transaction().execute((tx) => sql`select nope`.execute(tx))).rejects.toMatchObject({
      code: '42703',
    })
    expect((await query("select count(*) as n from pg_stat_activity where state like '%aborted%'")).rows).toEqual([
      { n: 0 },
    ])
  })

  test('several statements in one text give the rows of all of them', async () => {
    const { query } = database
    expect((await query('select 1 as n; select 2 as n')).rows).toEqual([{ n: 1 }, { n: 2 }])
  })

  test('a broken constraint keeps the SQLSTATE it had', async () => {
    const { db } = database
    const mark = { name: 'one', value: '{}' }
    await db.insertInto('marks').values(mark).execute()
    const error = await db
      .insertInto('marks')
      .values(mark)
      .execute()
      .catch((thrown: unknown) => thrown)
    expect(isUniqueViolation(error)).toBe(true)
    expect(isUniqueViolation(error, 'marks_pkey')).toBe(true)
    expect(isUniqueViolation(error, 'another')).toBe(false)
  })

  test('notifications are heard when the transaction commits, and not when it is rolled back', async () => {
    const { db, listen, query } = database
    const heard: string[] = []
    let subscriptions = 0
    const done = Promise.withResolvers<void>()
    const listener = await listen(
      'news',
      (payload) => {
        heard.push(payload)
        if (payload === 'last') done.resolve()
      },
      () => subscriptions++,
    )
    await db
      .transaction()
      .execute(async (tx) => {
        await sql`select pg_notify('news', 'rolled back')`.execute(tx)
        throw new Error('no')
      })
      .catch(() => undefined)
    await query(`select pg_notify('news', 'first')`)
    await query(`select pg_notify('other', 'elsewhere')`)
    await query(`select pg_notify('news', 'last')`)
    await done.promise
    expect(heard).toEqual(['first', 'last'])
    expect(subscriptions).toBe(1)
    await listener.close()
    await query(`select pg_notify('news', 'after')`)
    await query('select 1')
    expect(heard).toEqual(['first', 'last'])
  })

  test('a closed database says that it is unavailable', async () => {
    const closing = await open()
    await closing.ping()
    await closing.close()
    await expect(closing.ping()).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})

test('an address that is no PostgreSQL is a mistake in the configuration', async () => {
  const opening = openDatabase({ url: 'mysql://root@localhost/x', dataDir: '/nowhere', poolSize: 2 })
  await expect(opening).rejects.toMatchObject({ code: 'invalid_configuration' })
})

test('a PostgreSQL that cannot be reached is unavailable', async () => {
  const opening = openDatabase({ url: 'postgres://postgres@127.0.0.1:1/x', dataDir: '/nowhere', poolSize: 2 })
  await expect(opening).rejects.toMatchObject({ code: 'store_unavailable', nextAction: expect.any(String) })
})
