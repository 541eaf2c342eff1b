import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { describe, expect, inject, it } from 'vitest'
import { ended, openHouse, progressComments, until } from './house.ts'
import { expectInvariants } from './invariants.ts'
import { quickFiles } from './kill.ts'

/** Every connection to the database is cut by its server, again and again, while a run is under way (F6). */
describe.skipIf(inject('templates').postgresUrl === null)('a PostgreSQL that cuts its connections', () => {
  it('ends no run, and doubles nothing', async () => {
    const house = await openHouse('postgres', { files: quickFiles })
    await house.start()
    await house.label()
    const cutter = startCutting(house.config().database.url ?? '')
    // By what people see: a look into the database would be cut as well.
    const told = until('people are told of the end', async () =>
      progressComments(house).some(({ body }) => /^\*\*(Done|Failed)/.test(body)),
    )
    const cuts = await told.finally(cutter.stop).then(cutter.stop)
    // The pool finds out about the last cut.
    await wait(300)
    const run = await ended(house)
    expect(cuts).toBeGreaterThan(3)
    expect(run.failure).toBeNull()
    expect(house.repository.pulls()).toHaveLength(1)
    expect(house.world.claude.answered.length).toBeLessThanOrEqual(5 + cuts)
    await expectInvariants(house, run)
  })
})

/** Gives, when it is stopped, how often it has cut. */
const startCutting = (url: string): { stop: () => Promise<number> } => {
  let over = false
  const cutting = (async () => {
    let cuts = 0
    for (; !over && cuts < 25; cuts++) {
      await wait(60)
      await cutAll(url)
    }
    return cuts
  })()
  return {
    stop: () => {
      over = true
      return cutting
    },
  }
}

const cutAll = async (url: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
  } finally {
    await client.end()
  }
}
