import { expect, test } from 'vitest'
import { describeOnEachDatabase } from '../../test/databases.ts'
import { createStatementNames } from './statement-names.ts'

test('a statement has a name from its second use on, and always the same', () => {
  const nameOf = createStatementNames()
  expect(nameOf('select $1')).toBeUndefined()
  const name = nameOf('select $1')
  expect(name).toBeTypeOf('string')
  nameOf('select $2')
  expect(nameOf('select $2')).not.toBe(name)
  expect(nameOf('select $1')).toBe(name)
})

test('only so many have one', () => {
  const nameOf = createStatementNames()
  const texts = Array.from({ length: 5_000 }, (_, index) => `select ${index}, $1`)
  const names = texts.map((text) => [nameOf(text), nameOf(text)][1])
  expect(new Set(names.filter(Boolean)).size).toBeLessThan(500)
  expect(nameOf(texts[0] as string)).toBe(names[0])
})

describeOnEachDatabase('a kept statement', (open) => {
  test('is planned anew when a table has got another column since', async () => {
    const database = await open({ poolSize: 1 })
    await database.query('create table shapes (id integer, name text)')
    await database.query(`insert into shapes values (1, 'round')`)
    const ask = () => database.query('select * from shapes where id = $1', [1])
    for (let times = 0; times < 3; times++) expect((await ask()).rows).toEqual([{ id: 1, name: 'round' }])
    await database.query('alter table shapes add column colour text')
    await expect(ask()).rejects.toMatchObject({ code: 'store_unavailable' })
    expect((await ask()).rows).toEqual([{ id: 1, name: 'round', colour: null }])
  })
})
