import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openHouse } from './house.ts'

it('a sandbox that cannot be made is told by the start, and nothing is held afterwards', async () => {
  const house = await openHouse('pglite')
  const inItsPlace = join(house.config().data_dir, 'sandbox')
  await writeFile(inItsPlace, '')
  // It fails long before the database is open, when nobody waits for it yet.
  await expect(house.start()).rejects.toThrow()

  await rm(inItsPlace)
  const app = await house.start()
  expect(await app.database().query('select 1 as one')).toMatchObject({ rows: [{ one: 1 }] })
})
