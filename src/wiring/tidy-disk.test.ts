import { sql } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import { insertTestRun } from '../../test/rows.ts'
import type { Workspaces } from '../workspace/contract.ts'
import { tidyOnce } from './tidy-disk.ts'

describeOnEachDatabase('tidying the disk', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  const runIn = async (state: string): Promise<string> => {
    const { runId } = await insertTestRun(database.db)
    await setState(runId, state)
    return runId
  }
  const setState = (id: string, state: string) =>
    sql`update workflow_executions set state = ${state}, finished_at = now() where id = ${id}`.execute(database.db)
  const disk = (ids: string[], onRemove: (id: string) => Promise<unknown> = async () => undefined) => {
    const removed: [string, boolean][] = []
    const workspaces = {
      list: async () => ids,
      remove: async (id: string, options: { keepSnapshots?: boolean } = {}) => {
        removed.push([id, options.keepSnapshots ?? false])
        await onRemove(id)
      },
    } as Workspaces
    return { removed, workspaces }
  }

  test('takes away what is left of runs that have ended, and keeps of those that failed what a retry needs', async () => {
    const [live, done, failed, stopped] = await Promise.all(['parked', 'done', 'failed', 'stopped'].map(runIn))
    const { removed, workspaces } = disk([live, done, failed, stopped, 'run_unknown'] as string[])
    await tidyOnce(database, workspaces, 24)
    expect(removed).toEqual([
      [done, false],
      [failed, true],
      [stopped, true],
      ['run_unknown', false],
    ])
  })

  test('leaves alone a run that is tried again while it is under way, and keeps nothing where nothing is to be kept', async () => {
    const [first, second] = (await Promise.all([runIn('failed'), runIn('failed')])) as [string, string]
    const { removed, workspaces } = disk([first, second], () => setState(second, 'queued'))
    await tidyOnce(database, workspaces, 0)
    expect(removed).toEqual([[first, false]])
  })
})
