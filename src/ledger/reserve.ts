import { newId } from '../domain/ids.ts'
import { highestCostOf, type MicroUsd, type ModelPrice } from '../domain/money.ts'
import type { Claim } from '../domain/run.ts'
import { assertClaim } from '../store/claimed.ts'
import type { Db } from '../store/database.ts'
import { type Caps, takeFromCaps } from './budgets.ts'

export type ReserveRequest = {
  claim: Claim
  /** Of the step that calls. */
  address: string
  agentId: string | null
  turn: number | null
  model: string
  inputTokens: number
  maxOutputTokens: number
  price: ModelPrice
  /** As configured now. */
  caps: Caps
}

/** An amount set aside: the most that the call can cost. */
export type Reserved = { id: string; amount: MicroUsd }

/**
 * Sets aside the most that a call can cost, from the month's cap and the run's, or from neither. The call may be made once
 * this has resolved; afterwards exactly one of `settle`, `releaseFree` and `forfeit` ends the reservation.
 * Throws `budget_exceeded` (which cap, what is left, what to do) and `stale_epoch`.
 */
export const reserve = (db: Db, request: ReserveRequest): Promise<Reserved> => {
  const amount = highestCostOf(request.inputTokens, request.maxOutputTokens, request.price)
  const id = newId('chg')
  const runId = request.claim.runId
  return db.transaction().execute(async (tx) => {
    await assertClaim(tx, request.claim)
    const month = await takeFromCaps(tx, runId, request.caps, amount)
    const { address, agentId, turn, model } = request
    await tx
      .insertInto('cost_tracking')
      .values({
        id,
        run_id: runId,
        address,
        agent_id: agentId,
        turn,
        model,
        month,
        state: 'reserved',
        reserved: amount,
      })
      .execute()
    return { id, amount }
  })
}
