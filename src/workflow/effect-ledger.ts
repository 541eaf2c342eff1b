import { isDeepStrictEqual } from 'node:util'
import { sleep } from '../domain/clock.ts'
import { crashPoint } from '../domain/crash-point.ts'
import { crashPointsOf, type Effect, type EffectGuard, type EffectLedger } from '../domain/effect.ts'
import { codeOf, failureOf } from '../domain/errors.ts'
import type { Database } from '../store/database.ts'
import { confirmEffect, failEffect, getEffectResult, intendEffect, markSent } from '../store/effects.ts'
import { asStored } from '../store/json.ts'

/**
 * The life of an effect:
 *
 *   (none) -> intended        written before anything leaves
 *   intended -> sent          from here on it may be in the air; a crash leaves it here
 *   sent -> confirmed         the outside has answered, or was asked and has it
 *
 * Whoever finds a row that is not fresh asks the outside first. A worker that hears only afterwards that it has lost its
 * claim takes back what it sent, if the other sent its own.
 */
export const createEffectLedger = (database: Database): EffectLedger => {
  const { db } = database
  const confirm = <Result>(guard: EffectGuard, effect: Effect<Result>, result: Result, how: 'sent' | 'found') =>
    db.transaction().execute((tx) => confirmEffect(tx, guard, effect, result, how))

  const once: EffectLedger['once'] = async (guard, effect) => {
    const points = crashPointsOf(effect.kind)
    const row = await intendEffect(db, guard, effect)
    if (row.state === 'confirmed') return row.result as Awaited<ReturnType<typeof effect.send>>
    const found = row.fresh ? null : await effect.find()
    if (found !== null) {
      await confirm(guard, effect, found, 'found')
      return found
    }
    guard.signal?.throwIfAborted()
    crashPoint(points.before)
    await markSent(db, guard, effect.key, effect.request)
    const result = await sendOrNote(database, guard, effect)
    crashPoint(points.sent)
    await confirm(guard, effect, result, 'sent').catch(async (error: unknown) => {
      if (codeOf(error) === 'stale_epoch') await takeBackTwin(database, guard, effect, result)
      throw error
    })
    crashPoint(points.after)
    return result
  }

  const set: EffectLedger['set'] = async (guard, effect) => {
    const points = crashPointsOf(effect.kind)
    const row = await intendEffect(db, guard, effect)
    if (row.state === 'confirmed' && isDeepStrictEqual(row.request, asStored(effect.request))) return { sent: false }
    guard.signal?.throwIfAborted()
    crashPoint(points.before)
    await markSent(db, guard, effect.key, effect.request)
    const result = await sendOrNote(database, guard, effect)
    crashPoint(points.sent)
    await db.transaction().execute((tx) => confirmEffect(tx, guard, effect, result, 'sent'))
    crashPoint(points.after)
    return { sent: true }
  }

  return { once, set }
}

const sendOrNote = async <Result>(
  database: Database,
  guard: EffectGuard,
  effect: Pick<Effect<Result>, 'key' | 'send'>,
): Promise<Result> => {
  try {
    guard.signal?.throwIfAborted()
    // A process that was asleep reads the answer to its last question before its timers tell it for how long.
    guard.assertInTime?.()
    return await effect.send()
  } catch (error) {
    await failEffect(database.db, guard, effect.key, failureOf(error))
    throw error
  }
}

/** How long the other may take to confirm its own before this worker lets things be. */
const twinPatienceMs = 5_000

const takeBackTwin = async <Result>(
  database: Database,
  guard: EffectGuard,
  effect: Effect<Result>,
  mine: Result,
): Promise<void> => {
  if (!effect.remove) return
  for (let waitedMs = 0; waitedMs < twinPatienceMs; waitedMs += 250) {
    const row = await getEffectResult(database.db, guard.runId, effect.key)
    if (row?.confirmed) {
      if (!isDeepStrictEqual(row.result, asStored(mine))) await effect.remove(mine)
      return
    }
    await sleep(250)
  }
}
