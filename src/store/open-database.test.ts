import { expect, test } from 'vitest'
import { describeOnEachDatabase } from '../../test/databases.ts'

describeOnEachDatabase('an open database', (open) => {
  test('reads numbers, times and JSON alike', async () => {
    const database = await open()
    const { rows } = await database.query(
      `select 9007199254740991::int8 as big, sum(n) as total, $1::jsonb as json, $2::text[] as list,
         '2026-11-20 10:00:00.123+02'::timestamptz as at, null::jsonb as nothing
       from (values (1::int8), (2::int8)) as v (n)`,
      [JSON.stringify({ a: [1, null] }), ['x', 'y']],
    )
    expect(rows).toEqual([
      {
        big: 9007199254740991,
        total: 3,
        json: { a: [1, null] },
        list: ['x', 'y'],
        at: new Date('2026-11-20T08:00:00.123Z'),
        nothing: null,
      },
    ])
  })
})
