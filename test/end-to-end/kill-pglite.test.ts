import { describe, expect, it } from 'vitest'
import { oneBatch } from '../chaos/run-chaos.ts'
import { openHouse } from './house.ts'
import { itSurvivesKillsAt } from './kill.ts'

/** Other tests want the processors as well. */
const calm = { runs: { lease_seconds: 2 } }

describe('a killed worker (pglite)', () => {
  itSurvivesKillsAt((options) => openHouse('pglite', options), [{ point: 'push.sent', occurrence: 1 }])

  // A part of `npm run chaos`, which has the others.
  it('leaves several runs at once to the next, wherever it dies', { timeout: 240_000 }, async () => {
    const batch = await oneBatch(
      'pglite',
      ['claim.after', 'items.remembered', 'approval.asked', 'rollback.after'],
      1,
      calm,
    )
    expect(batch.faults).toEqual([])
    expect(batch.kills.length).toBeGreaterThan(0)
  })
})
