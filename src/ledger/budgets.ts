import { sql } from 'kysely'
import { JourneymanError } from '../domain/errors.ts'
import { formatUsd, type MicroUsd } from '../domain/money.ts'
import type { Tx } from '../store/database.ts'

/**
 * Every amount counts against two caps: its month's and its run's. Their rows are always locked in this order, the month
 * first, so that two transactions never wait for each other in a circle.
 */
export type Caps = { month: MicroUsd; run: MicroUsd }

/**
 * Takes the amount from what both caps leave, or throws `budget_exceeded`. A cap's row is made on first use and follows
 * the configuration. Gives the month, by the database's clock.
 */
export const takeFromCaps = async (tx: Tx, runId: string, caps: Caps, amount: MicroUsd): Promise<string> => {
  const month = await takeFrom(tx, { scope: 'month', key: null }, caps.month, amount)
  await takeFrom(tx, { scope: 'run', key: runId }, caps.run, amount)
  return month
}

/** Turns what was reserved into what it cost, on both caps. */
export const chargeCaps = async (
  tx: Tx,
  reservation: { month: string; run_id: string; reserved: MicroUsd },
  cost: MicroUsd,
): Promise<void> => {
  await chargeTo(tx, 'month', reservation.month, reservation.reserved, cost)
  await chargeTo(tx, 'run', reservation.run_id, reservation.reserved, cost)
}

/** `key` null is the present month. */
type Place = { scope: 'month'; key: null } | { scope: 'run'; key: string }

const takeFrom = async (tx: Tx, place: Place, cap: MicroUsd, amount: MicroUsd): Promise<string> => {
  const { rows } = await sql<{ key: string }>`
    insert into budgets as b (scope, key, cap, reserved)
    select ${place.scope}, ${keyOf(place)}, ${cap}::bigint, ${amount}::bigint where ${amount}::bigint <= ${cap}::bigint
    on conflict (scope, key) do update set cap = excluded.cap, reserved = b.reserved + excluded.reserved
      where b.settled + b.reserved + excluded.reserved <= excluded.cap
    returning key`.execute(tx)
  if (!rows[0]) throw exceeded(place.scope, cap, await leftOf(tx, place, cap), amount)
  return rows[0].key
}

const keyOf = (place: Place) =>
  place.key === null ? sql`to_char(now() at time zone 'UTC', 'YYYY-MM')` : sql`${place.key}::text`

const leftOf = async (tx: Tx, place: Place, cap: MicroUsd): Promise<MicroUsd> => {
  const { rows } = await sql<{ spoken_for: number }>`
    select settled + reserved as spoken_for from budgets
    where scope = ${place.scope} and key = ${keyOf(place)}`.execute(tx)
  return Math.max(0, cap - (rows[0]?.spoken_for ?? 0))
}

/**
 * Where the cost is above the reserve and the cap leaves no room for the rest, the rest is kept in `overrun`: settled +
 * reserved stays within the cap, and nothing is forgotten.
 */
const chargeTo = async (tx: Tx, scope: string, key: string, reserved: MicroUsd, cost: MicroUsd): Promise<void> => {
  await sql`update budgets set
      reserved = reserved - ${reserved}::bigint,
      settled = settled + least(${cost}::bigint, cap - settled - reserved + ${reserved}::bigint),
      overrun = overrun + greatest(0, ${cost}::bigint - (cap - settled - reserved + ${reserved}::bigint))
    where scope = ${scope} and key = ${key}`.execute(tx)
}

const remedies = {
  month: 'Raise budget.monthly_usd in journeyman.yaml, or wait for the next month',
  run: "Raise runs.max_cost_usd in journeyman.yaml, or the workflow's limits.max_cost_usd",
}

const exceeded = (scope: Place['scope'], cap: MicroUsd, left: MicroUsd, amount: MicroUsd): JourneymanError =>
  new JourneymanError(
    'budget_exceeded',
    `The next call may cost ${formatUsd(amount)}, and only ${formatUsd(left)} is left of the ` +
      `${formatUsd(cap)} that ${scope === 'run' ? 'this run' : 'all runs of this month'} may cost.`,
    {
      nextAction: `${remedies[scope]}, then retry the run.`,
      detail: { scope, cap, left, amount },
    },
  )
