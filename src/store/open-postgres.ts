import pg from 'pg'
import { codeOf, failureOf, JourneymanError } from '../domain/errors.ts'
import type { Database } from './database.ts'
import { listenOnPostgres } from './listen-on-postgres.ts'
import { poolDatabase, typesForBoth } from './pool-database.ts'
import { sessionSettings } from './session-settings.ts'

const connectMs = 10_000
const statementMs = 60_000

/** Opens a pool on PostgreSQL. Rejects with `store_unavailable` when it cannot be reached, `invalid_configuration` for a bad address. */
export const openPostgres = async (options: { url: string; poolSize: number }): Promise<Database> => {
  const config = configOf(options.url)
  const pool = new pg.Pool({
    ...config,
    max: options.poolSize,
    connectionTimeoutMillis: connectMs,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // The server ends a statement first; this is for a connection that is silently dead.
    query_timeout: statementMs + 5_000,
    types: typesForBoth,
    onConnect: async (client: pg.ClientBase) => {
      await client.query(
        `${sessionSettings}; set statement_timeout = ${statementMs}; set idle_in_transaction_session_timeout = ${statementMs}`,
      )
    },
  })
  const database = poolDatabase(pool, {
    kind: 'postgres',
    listen: listenOnPostgres(config),
    ping: async () => {
      await database.query('select 1')
    },
    closed: async () => undefined,
  })
  try {
    await database.ping()
    return database
  } catch (error) {
    await database.close()
    throw notReached(error)
  }
}

/** At the start nothing goes on by itself afterwards: whoever starts it has to mend it. */
const notReached = (error: unknown): unknown =>
  codeOf(error) === 'store_unavailable'
    ? new JourneymanError('store_unavailable', failureOf(error).message, {
        nextAction: 'See that PostgreSQL runs and that database.url (DATABASE_URL) leads to it, then start again.',
        cause: error,
      })
    : error

const configOf = (url: string): pg.ClientConfig => {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new JourneymanError('invalid_configuration', 'database.url is not the address of a PostgreSQL.', {
      nextAction:
        'Write it as postgres://user:password@host:5432/name, or leave DATABASE_URL empty for the embedded database.',
    })
  }
  return { connectionString: url, application_name: 'journeyman' }
}
