import { describe, expect, inject, it } from 'vitest'
import { oneBatch } from '../chaos/run-chaos.ts'
import { openHouse } from './house.ts'
import { itSurvivesKillsAt } from './kill.ts'

/** Other tests want the processors as well. */
const calm = { runs: { lease_seconds: 2 } }

describe.skipIf(inject('templates').postgresUrl === null)('a killed worker (postgres)', () => {
  itSurvivesKillsAt((options) => openHouse('postgres', options), [{ point: 'turn.after', occurrence: 3 }])

  // A part of `npm run chaos`, which has the others.
  it('leaves several runs at once to the others, wherever it dies', { timeout: 240_000 }, async () => {
    const points = [
      'step.after',
      'settle.after',
      'pull_request.sent',
      'comment.sent',
      'slot.freed',
      'complete.after',
    ] as const
    const batch = await oneBatch('postgres', points, 1, calm)
    expect(batch.faults).toEqual([])
    expect(batch.kills.length).toBeGreaterThan(0)
  })
})
