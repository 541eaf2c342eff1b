import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { ask } from './claimed.ts'
import type { Db, Tx } from './database.ts'
import { asStored } from './json.ts'

/** One thing that was done, by whom and why. Secrets have no place in `detail`. */
export type AuditEntry = {
  /** `github:octocat`, `journeyman`. */
  actor: string
  /** `effect.confirmed`, `run.stopped`. */
  action: string
  runId?: string | null
  delivery?: string | null
  detail: Record<string, unknown>
}

export type AuditCheck = { ok: true; rows: number } | { ok: false; rows: number; brokenAt: number; reason: string }

/** Names the lock that makes the chain a chain: one writer at a time, until its transaction ends. */
const chainLock = 0x4a4d_4155
const firstPrevious = '0'.repeat(64)
const pageRows = 1_000

/**
 * Adds a row, chained to the last by hash, in the caller's transaction. Transactions that append wait for one another from
 * here to their end: append last.
 */
export const appendAudit = async (tx: Tx, entry: AuditEntry): Promise<void> => {
  await sql`select pg_advisory_xact_lock(${sql.lit(chainLock)})`.execute(tx)
  const { actor, action, runId: run_id = null, delivery = null } = entry
  const said = { actor, action, run_id, delivery, detail: asStored(entry.detail) }
  await ask(tx, append, [firstPrevious, actor, action, run_id, delivery, JSON.stringify(said.detail), ...textOf(said)])
}

// After the lock, in a statement of its own: it sees what whoever had the lock has written. The database's clock, cut to what a
// Date can hold, so that the row reads back as it was hashed; hashed where the row before it is known, so that the lock is not
// held while a worker works it out.
const append = `
  with this as materialized (
    select coalesce(last.seq, 0) + 1 as seq, coalesce(last.hash, $1) as previous,
      date_trunc('milliseconds', clock_timestamp()) as at
    from (select) as here left join (select seq, hash from audit_log order by seq desc limit 1) as last on true)
  insert into audit_log (seq, at, previous, actor, action, run_id, delivery, detail, hash)
  select seq, at, previous, $2, $3, $4, $5, $6::jsonb, encode(sha256(convert_to(
    $7::text || to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || $8::text || previous || $9::text || seq || '}',
    'UTF8')), 'hex')
  from this`

/** Follows the chain from its first row and names the first one that was changed, removed or put in between. */
export const verifyAudit = async (db: Db): Promise<AuditCheck> => {
  let previous = firstPrevious
  let seq = 0
  for (;;) {
    const page = await db
      .selectFrom('audit_log')
      .selectAll()
      .where('seq', '>', seq)
      .orderBy('seq')
      .limit(pageRows)
      .execute()
    for (const row of page) {
      const reason = faultOf(row, seq + 1, previous)
      if (reason) return { ok: false, rows: seq, brokenAt: row.seq, reason }
      seq = row.seq
      previous = row.hash
    }
    if (page.length < pageRows) return { ok: true, rows: seq }
  }
}

type Said = { actor: string; action: string; run_id: string | null; delivery: string | null; detail: unknown }
type Chained = Said & { seq: number; at: Date; previous: string }

const faultOf = (row: Chained & { hash: string }, seq: number, previous: string): string | null => {
  if (row.seq !== seq) return `row ${seq} is missing`
  if (row.previous !== previous) return `row ${seq} does not follow the row before it`
  return row.hash === hashOf(row) ? null : `row ${seq} was changed`
}

const hashOf = (row: Chained): string => {
  const [beforeAt, beforePrevious, beforeSeq] = textOf(row)
  const text = `${beforeAt}${row.at.toISOString()}${beforePrevious}${row.previous}${beforeSeq}${row.seq}}`
  return createHash('sha256').update(text).digest('hex')
}

/** What is hashed, an object with its keys in order, around what only the database knows: the time, the hash before, the number. */
const textOf = ({ actor, action, run_id, delivery, detail }: Said): [string, string, string] => [
  `${canonical({ action, actor }).slice(0, -1)},"at":"`,
  `",${canonical({ delivery, detail }).slice(1, -1)},"previous":"`,
  `",${canonical({ run_id }).slice(1, -1)},"seq":`,
]

/** JSON with its keys in order: the database keeps a jsonb's keys in an order of its own. */
const canonical = (value: unknown): string => {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`
}
