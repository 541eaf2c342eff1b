import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import { insertTestRun } from '../../test/rows.ts'
import { endedRuns } from './reaping.ts'
import { forgetSnapshots, holdsSnapshot, putSnapshot, snapshotChain } from './workspace-snapshots.ts'

describeOnEachDatabase('snapshots of work trees', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  const put = (run: string, commit: string, parent: string | null, bundle = Buffer.from(commit)) =>
    putSnapshot(database.db, run, { commit, parent, bundle })
  const runThatEnded = async (state: string, hoursAgo: number): Promise<string> => {
    const { runId } = await insertTestRun(database.db)
    await sql`update workflow_executions set state = ${state}, finished_at = now() - make_interval(hours => ${hoursAgo}::int)
      where id = ${runId}`.execute(database.db)
    return runId
  }

  test('come back byte for byte, from the base commit to the one asked for', async () => {
    const { runId } = await insertTestRun(database.db)
    const { runId: other } = await insertTestRun(database.db)
    const bundle = randomBytes(100_000)
    await put(runId, 'one', null)
    await put(runId, 'two', 'one', bundle)
    await put(runId, 'side', 'one')
    await put(runId, 'three', 'two')
    await put(runId, 'three', 'two', Buffer.from('another time'))
    await put(other, 'four', 'three')
    const chain = await snapshotChain(database.db, runId, 'three')
    expect(chain.map(({ commit, parent }) => [commit, parent])).toEqual([
      ['one', null],
      ['two', 'one'],
      ['three', 'two'],
    ])
    expect(chain[1]?.bundle.equals(bundle)).toBe(true)
    expect(chain[2]?.bundle.toString()).toBe('three')
    expect(await snapshotChain(database.db, runId, 'four')).toEqual([])
    expect(await holdsSnapshot(database.db, runId, 'side')).toBe(true)
    expect(await holdsSnapshot(database.db, other, 'side')).toBe(false)
  })

  test('go with the end of the run, and later where it may be tried again', async () => {
    const { runId: live } = await insertTestRun(database.db)
    const runs = {
      live,
      done: await runThatEnded('done', 0),
      failed: await runThatEnded('failed', 1),
      stopped: await runThatEnded('stopped', 23),
      longAgo: await runThatEnded('failed', 25),
    }
    for (const run of Object.values(runs)) await put(run, 'one', null)
    await forgetSnapshots(database.db, 24)
    const held = await Promise.all(
      Object.entries(runs).map(async ([name, run]) => ((await holdsSnapshot(database.db, run, 'one')) ? [name] : [])),
    )
    expect(held.flat()).toEqual(['live', 'failed', 'stopped'])
    expect(await endedRuns(database.db, [...Object.values(runs), 'run_unknown'], 24)).toEqual([
      { id: runs.done, mayBeRetried: false },
      { id: runs.failed, mayBeRetried: true },
      { id: runs.stopped, mayBeRetried: true },
      { id: runs.longAgo, mayBeRetried: false },
      { id: 'run_unknown', mayBeRetried: false },
    ])
  })
})
