import { beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import { memoryHost } from '../../test/fakes/memory-version-control.ts'
import type { MissedDelivery } from '../plugins/version-control/contract.ts'
import { createReconcile } from './reconcile.ts'

describeOnEachDatabase('the reconciler', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })

  it('asks for what never arrived, and not for ever for what the door does not take', async () => {
    const asked: string[] = []
    const missed = (id: string, refused: boolean): MissedDelivery => {
      return { id, deliveryId: id, type: 'issues.labeled', deliveredAt: new Date(), ok: false, refused }
    }
    const reconcile = createReconcile({
      database,
      versionControl: {
        ...memoryHost().plugin,
        // As GitHub lists them: each that was sent again has been tried just now.
        listDeliveries: async () => [missed('away', false), missed('odd', true)],
        redeliver: async (id) => void asked.push(id),
      },
      lookBackHours: () => 1,
      log: () => undefined,
    })
    expect([await reconcile(), await reconcile()]).toEqual([
      { looked: 2, asked: 1 },
      { looked: 2, asked: 1 },
    ])
    expect(asked).toEqual(['away', 'away'])
  })
})
