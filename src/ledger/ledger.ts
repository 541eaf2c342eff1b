import { sql } from 'kysely'
import { codeOf } from '../domain/errors.ts'
import type { MicroUsd, ModelPrice, TokenUsage } from '../domain/money.ts'
import type { Claim } from '../domain/run.ts'
import { assertClaim } from '../store/claimed.ts'
import type { Db, Tx } from '../store/database.ts'
import { type Prices, priceOf } from './prices.ts'
import { type Reserved, reserve } from './reserve.ts'
import { forfeit, forfeitAbandoned, hasReserved, releaseFree, type Settled, settle } from './settle.ts'

export type LedgerCall = {
  address: string
  agentId: string
  turn: number
  model: string
  inputTokens: number
  maxOutputTokens: number
  runCap: MicroUsd
  monthlyCap: MicroUsd
}

/** The ledger of money over one database and one price list. All but `settle` and `costOf` check the claim themselves. */
export type Ledger = {
  /** Throws `budget_exceeded`, `unknown_price`, `stale_epoch`. */
  reserve: (claim: Claim, call: LedgerCall) => Promise<Reserved>
  /** After `assertClaim` in the same transaction. Never throws for a price that is not known: the reserve is charged. */
  settle: (tx: Tx, reservationId: string, model: string, usage: TokenUsage | null) => Promise<Settled>
  /** The provider refused before it worked: nothing is charged. */
  free: (claim: Claim, reservationId: string, note: string) => Promise<void>
  /** Nobody knows what it cost: the reserve stays charged. */
  forfeit: (claim: Claim, reservationId: string, note: string) => Promise<void>
  /** For whoever has just claimed a run: what a killed worker had reserved stays charged. */
  forfeitAbandoned: (claim: Claim) => Promise<void>
  /** What a run has cost so far, calls in flight not counted. */
  costOf: (runId: string) => Promise<MicroUsd>
}

export const createLedger = (db: Db, prices: Prices): Ledger => {
  const claimed = <Result>(claim: Claim, work: (tx: Tx) => Promise<Result>): Promise<Result> =>
    db.transaction().execute(async (tx) => {
      await assertClaim(tx, claim)
      return work(tx)
    })
  return {
    reserve: async (claim, { runCap, monthlyCap, ...call }) =>
      reserve(db, {
        ...call,
        claim,
        price: priceOf(prices, call.model, new Date()),
        caps: { run: runCap, month: monthlyCap },
      }),
    settle: (tx, reservationId, model, usage) => settle(tx, reservationId, usage, priceIfKnown(prices, model)),
    free: async (claim, id, note) => void (await claimed(claim, (tx) => releaseFree(tx, id, note))),
    forfeit: async (claim, id, note) => void (await claimed(claim, (tx) => forfeit(tx, id, note))),
    forfeitAbandoned: async (claim) => {
      // Nobody but whoever holds the claim reserves: what a question without a lock does not find is not there.
      if (await hasReserved(db, claim.runId)) await claimed(claim, (tx) => forfeitAbandoned(tx, claim.runId))
    },
    costOf: async (runId) => {
      const { rows } = await sql<{ cost: number }>`
        select coalesce(sum(cost), 0) as cost from cost_tracking where run_id = ${runId}`.execute(db)
      return rows[0]!.cost
    },
  }
}

const priceIfKnown = (prices: Prices, model: string): ModelPrice | null => {
  try {
    return priceOf(prices, model, new Date())
  } catch (error) {
    if (codeOf(error) === 'unknown_price') return null
    throw error
  }
}
