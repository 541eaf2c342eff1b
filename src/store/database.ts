import type { Kysely, Transaction } from 'kysely'
import type { Tables } from './schema.ts'

/** Any place where a query can run: the database itself or a transaction on it. */
export type Db = Kysely<Tables>
export type Tx = Transaction<Tables>

/** An open database, PGlite or PostgreSQL. `open-database.ts` makes one. */
export type Database = {
  kind: 'pglite' | 'postgres'
  db: Db
  /**
   * Runs one statement of plain SQL outside kysely; what pg-boss and the migrations need.
   * Rejects with `store_unavailable` when the database cannot be reached.
   */
  query: (text: string, values?: unknown[]) => Promise<{ rows: Record<string, unknown>[] }>
  /** Calls `heard` for each NOTIFY on the channel, and `reconnected` after each (re)subscription. */
  listen: (
    channel: string,
    heard: (payload: string) => void,
    reconnected: () => void,
  ) => Promise<{ close: () => Promise<void> }>
  /** Resolves when the database answers; rejects with `store_unavailable`. For the health check. */
  ping: () => Promise<void>
  /** The embedded one: names in its lock file where its holder can be spoken to. */
  announce?: (control: string | null) => void
  close: () => Promise<void>
}
