import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Run } from '../../src/domain/run.ts'
import { verifyAudit } from '../../src/store/audit.ts'
import { type House, progressComments, until } from './house.ts'

/**
 * What must hold after any run, whatever was done to the processes that worked on it (docs: RELIABILITY, I1 to I9, as far
 * as one run can show them).
 */
export const expectInvariants = async (house: House, run: Run): Promise<void> => {
  expect(house.world.violations).toEqual([])
  expect(progressComments(house)).toHaveLength(1)
  expect(house.repository.pulls().length).toBeLessThanOrEqual(1)
  await house.look(async ({ db }) => {
    const deliveries = await db.selectFrom('deliveries').select(['disposition']).execute()
    expect(deliveries.filter((delivery) => delivery.disposition === 'started')).toHaveLength(1)

    const caps = await db.selectFrom('budgets').selectAll().execute()
    for (const cap of caps) expect(cap.settled + cap.reserved).toBeLessThanOrEqual(cap.cap)
    const open = await db.selectFrom('cost_tracking').select('id').where('state', '=', 'reserved').execute()
    expect(open).toEqual([])

    const effects = await db.selectFrom('effects').select(['key', 'state']).execute()
    expect(effects.filter((effect) => effect.state !== 'confirmed')).toEqual([])
    expect(await verifyAudit(db)).toMatchObject({ ok: true })

    const turns = await db.selectFrom('agent_turns').select(['agent_id', 'ordinal']).execute()
    const charged = await db.selectFrom('cost_tracking').select('id').where('state', '=', 'settled').execute()
    expect(charged.length).toBeGreaterThanOrEqual(turns.length)
  })
  await until('nothing of the run is left on the disk', async () => {
    const left = await leftOnDisk(house, run.id)
    // What a retry goes on from is data, and goes after a day.
    return run.state === 'done' ? left.length === 0 : left.every((name) => /^\d+(\/(git|state\.json))?$/.test(name))
  })
}

/** The run's folder with one level below, as far as it is there. */
export const leftOnDisk = async (house: House, runId: string): Promise<string[]> => {
  const folder = join(house.config().data_dir, 'work', 'runs', runId)
  const list = (path: string) => readdir(path).catch((): string[] => [])
  const epochs = await list(folder)
  const inside = await Promise.all(
    epochs.map(async (epoch) => (await list(join(folder, epoch))).map((name) => `${epoch}/${name}`)),
  )
  return [...epochs, ...inside.flat()]
}

/** How often each turn of the conversation was answered in full, and so paid for. */
export const answersByTurn = (house: House): number[] => {
  const counts: number[] = []
  for (const { turn } of house.world.claude.answered) counts[turn] = (counts[turn] ?? 0) + 1
  return counts
}
