import { sql } from 'kysely'
import { beforeAll, expect, it } from 'vitest'
import { breakableDatabase, type Fate } from '../../test/breakable-database.ts'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import { insertTestRun } from '../../test/rows.ts'
import type { Effect, EffectGuard } from '../domain/effect.ts'
import { JourneymanError } from '../domain/errors.ts'
import { createEffectLedger } from './effect-ledger.ts'

/** A place outside that takes comments, and does not mind two of the same. */
const outside = () => {
  const there: { id: string; marker: string }[] = []
  let ever = 0
  const effect = (marker: string, send?: () => Promise<void>): Effect<{ id: string }> => ({
    key: `comment:${marker}`,
    kind: 'comment',
    target: 'acme/shop#1',
    request: { marker },
    find: async () => {
      const found = there.find((one) => one.marker === marker)
      return found ? { id: found.id } : null
    },
    send: async () => {
      ever += 1
      const id = String(ever)
      await send?.()
      there.push({ id, marker })
      return { id }
    },
    remove: async ({ id }) => {
      const at = there.findIndex((one) => one.id === id)
      if (at !== -1) there.splice(at, 1)
    },
  })
  return { there, effect }
}

describeOnEachDatabase('the effect ledger', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  const guardOf = async (): Promise<EffectGuard> => ({ ...(await insertTestRun(database.db)), role: 'worker' })
  const ledger = (on = database) => createEffectLedger(on)
  const takeOver = async (guard: EffectGuard): Promise<EffectGuard> => {
    await sql`update workflow_executions set epoch = epoch + 1, lease_owner = 'heir' where id = ${guard.runId}`.execute(
      database.db,
    )
    return { ...guard, epoch: guard.epoch + 1, owner: 'heir' }
  }
  const audited = async (guard: EffectGuard) => {
    const rows = await database.db.selectFrom('audit_log').select('detail').where('run_id', '=', guard.runId).execute()
    return rows.map((row) => (row.detail as { how: string }).how)
  }

  it('sends once, and gives the same afterwards', async () => {
    const guard = await guardOf()
    const { there, effect } = outside()
    expect(await ledger().once(guard, effect('a'))).toEqual({ id: '1' })
    expect(await ledger().once(guard, effect('a'))).toEqual({ id: '1' })
    expect(there).toHaveLength(1)
    expect(await audited(guard)).toEqual(['sent'])
  })

  it('sends once wherever its process dies, and writes it down once', async () => {
    const counting = breakableDatabase(database, () => 'through')
    await createEffectLedger(counting).once(await guardOf(), outside().effect('a'))
    const dead = () => new JourneymanError('stale_epoch', 'This process is dead.')
    for (let k = 1; k <= counting.queries(); k++) {
      for (const last of ['unsent', 'unanswered'] satisfies Fate[]) {
        const guard = await guardOf()
        const { there, effect } = outside()
        const dying = breakableDatabase(
          database,
          (query) => (query < k ? 'through' : query === k ? last : 'unsent'),
          dead,
        )
        // Its own removal of a twin dies with it.
        await createEffectLedger(dying)
          .once(guard, { ...effect('a'), remove: async () => undefined })
          .catch(() => undefined)
        const heir = await takeOver(guard)
        expect(await ledger().once(heir, effect('a')), `${last} at ${k}`).toEqual({ id: '1' })
        expect(there, `${last} at ${k}`).toHaveLength(1)
        expect(await audited(heir), `${last} at ${k}`).toHaveLength(1)
      }
    }
  })

  it('finds what was done where the answer was lost', async () => {
    const guard = await guardOf()
    const { there, effect } = outside()
    const unanswered: Effect<{ id: string }> = {
      ...effect('a'),
      send: async () => {
        await effect('a').send()
        throw new JourneymanError('timeout', 'No answer.')
      },
    }
    await expect(ledger().once(guard, unanswered)).rejects.toMatchObject({ code: 'timeout' })
    expect(await ledger().once(guard, unanswered)).toEqual({ id: '1' })
    expect(there).toHaveLength(1)
    expect(await audited(guard)).toEqual(['found'])
  })

  it('starts nothing without the claim', async () => {
    const guard = await guardOf()
    await takeOver(guard)
    const { there, effect } = outside()
    await expect(ledger().once(guard, effect('a'))).rejects.toMatchObject({ code: 'stale_epoch' })
    const { find: _, remove: __, ...labels } = effect('b')
    await expect(ledger().set(guard, labels)).rejects.toMatchObject({ code: 'stale_epoch' })
    expect(there).toEqual([])
    const { rows } = await database.query('select key from effects where run_id = $1', [guard.runId])
    expect(rows).toEqual([])
  })

  it('takes back what was in the air when the claim was lost, and another has sent its own', async () => {
    const guard = await guardOf()
    const { there, effect } = outside()
    let heirs: Promise<unknown> | undefined
    const slow = effect('a', async () => {
      if (heirs) return
      const heir = await takeOver(guard)
      heirs = ledger().once(heir, effect('a'))
      await heirs
    })
    await expect(ledger().once(guard, slow)).rejects.toMatchObject({ code: 'stale_epoch' })
    expect(await heirs).toEqual({ id: '2' })
    expect(there).toEqual([{ id: '2', marker: 'a' }])
  })

  it('leaves in place what the other has found and confirmed as its own', async () => {
    const guard = await guardOf()
    const { there, effect } = outside()
    const late: Effect<{ id: string }> = {
      ...effect('a'),
      send: async () => {
        const sent = await effect('a').send()
        expect(await ledger().once(await takeOver(guard), effect('a'))).toEqual(sent)
        return sent
      },
    }
    await expect(ledger().once(guard, late)).rejects.toMatchObject({ code: 'stale_epoch' })
    expect(there).toHaveLength(1)
  })

  it('sets a state again only when it is another, also one that the database keeps differently', async () => {
    const guard = await guardOf()
    let sent = 0
    const set = (request: unknown) =>
      ledger().set(guard, {
        key: 'labels',
        kind: 'labels',
        target: 't',
        request,
        send: async () => {
          sent += 1
        },
      })
    expect(await set({ add: ['a'], odd: 'nul \0', none: undefined })).toEqual({ sent: true })
    expect(await set({ odd: 'nul \0', add: ['a'] })).toEqual({ sent: false })
    expect(await set({ add: ['b'] })).toEqual({ sent: true })
    expect(sent).toBe(2)
  })

  it('sets a state again after a try that failed', async () => {
    const guard = await guardOf()
    let sent = 0
    const flaky = {
      key: 'labels',
      kind: 'labels' as const,
      target: 't',
      request: { add: ['a'] },
      send: async () => {
        sent += 1
        if (sent === 2) throw new JourneymanError('unavailable', 'No answer.')
      },
    }
    await ledger().set(guard, flaky)
    await expect(ledger().set(guard, { ...flaky, request: { add: ['b'] } })).rejects.toMatchObject({
      code: 'unavailable',
    })
    // What is outside now nobody knows: the first state is not taken for granted.
    expect(await ledger().set(guard, flaky)).toEqual({ sent: true })
  })
})
