import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely'
import pg from 'pg'
import type { Database } from './database.ts'
import type { Tables } from './schema.ts'
import { createStatementNames } from './statement-names.ts'
import { translateError, unavailable } from './translate-error.ts'

const int8 = 20
const numeric = 1700

/**
 * Types as both databases give them: bigint and numeric (which sums of bigint are) as numbers, timestamps as Date, JSON
 * parsed. All our whole numbers stay far below 2^53.
 */
export const typesForBoth: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === int8 || oid === numeric ? Number : pg.types.getTypeParser(oid, format as 'text')) as never,
}

/** A database over the driver's pool; what differs between the two is handed in. */
export const poolDatabase = (
  pool: pg.Pool,
  parts: Pick<Database, 'kind' | 'listen' | 'ping'> & {
    /** Throws while no query may run. */
    refuse?: () => void
    /** Hears of an error after which the server is not what it was. */
    panicked?: (error: Error) => void
    closed: () => Promise<void>
  },
): Database => {
  // Without a listener, an error of a connection that nobody waits on would end the process.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  const translating = translatingPool(pool, parts)
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: translating }) })
  let closing: Promise<void> | undefined
  return {
    kind: parts.kind,
    db,
    query: (text, values) => queryOn(translating, text, values),
    listen: parts.listen,
    ping: parts.ping,
    close: () => {
      closing ??= db
        .destroy()
        .then(() => (pool.ended ? undefined : pool.end()))
        .finally(parts.closed)
      return closing
    },
  }
}

/** Runs one statement, or several without values; gives the rows of all of them together. */
const queryOn = async (
  pool: PostgresPool,
  text: string,
  values?: unknown[],
): Promise<{ rows: Record<string, unknown>[] }> => {
  const client = await pool.connect()
  try {
    const result: unknown = await client.query(text, (values ?? []) as unknown[])
    return { rows: rowsOf(result) }
  } finally {
    client.release()
  }
}

type Rows = Record<string, unknown>[]
const rowsOf = (result: unknown): Rows =>
  Array.isArray(result) ? result.flatMap(rowsOf) : ((result as { rows?: Rows }).rows ?? [])

const fatal = new Set(['FATAL', 'PANIC'])

/** A migration has changed the shape of what a kept statement gives. A new connection plans it anew. */
const isStalePlan = (error: unknown): boolean => error instanceof pg.DatabaseError && error.code === '0A000'

/**
 * The pool with our errors. A connection that broke, that was left inside a transaction (several statements in one text of
 * which one failed) or whose server gave up is not handed to the next.
 */
const translatingPool = (
  pool: pg.Pool,
  parts: { refuse?: () => void; panicked?: (error: Error) => void },
  nameOf = createStatementNames(),
): PostgresPool => ({
  connect: async () => {
    parts.refuse?.()
    const client = await pool.connect().catch((error: unknown) => {
      throw unavailable(error)
    })
    let broken = false
    const translating = {
      query: async (text: string, values?: readonly unknown[]) => {
        const name = values?.length ? nameOf(text) : undefined
        try {
          return await (values?.length
            ? client.query({ ...(name && { name }), text, values: [...values] })
            : client.query(text))
        } catch (error) {
          const isStale = name !== undefined && isStalePlan(error)
          broken ||= isStale || !(error instanceof pg.DatabaseError) || fatal.has(error.severity ?? '')
          // The driver says that it failed before the server says in what state: several statements may have begun a
          // transaction that the status does not show yet.
          broken ||= !values?.length && text.includes(';')
          if (isStale) throw unavailable(error)
          if (error instanceof pg.DatabaseError && error.severity === 'PANIC') parts.panicked?.(error)
          throw translateError(error)
        }
      },
      release: (destroy?: boolean) => {
        const unfinished = (client as unknown as { getTransactionStatus: () => string }).getTransactionStatus() !== 'I'
        client.release(destroy === true || broken || unfinished)
      },
    }
    return translating as unknown as PostgresPoolClient
  },
  end: () => pool.end(),
  options: pool.options,
})
