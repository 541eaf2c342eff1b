import type { KyselyPlugin } from 'kysely'
import { JourneymanError } from '../src/domain/errors.ts'
import type { Database } from '../src/store/database.ts'

/** What becomes of a query: it goes through, it never arrives, or it is done and the answer is lost. */
export type Fate = 'through' | 'unsent' | 'unanswered'

export type BreakableDatabase = Database & { queries: () => number }

/**
 * The database as one process sees it, over a connection that may break at any query: `fate` decides, by the number of
 * the query and its text. Everything that goes through kysely passes here, in transactions too.
 */
export const breakableDatabase = (
  database: Database,
  fate: (query: number) => Fate,
  error: () => Error = () => new JourneymanError('store_unavailable', 'The connection has broken.'),
): BreakableDatabase => {
  let queries = 0
  const unanswered = new WeakSet<object>()
  const plugin: KyselyPlugin = {
    transformQuery: ({ node, queryId }) => {
      queries += 1
      const becomes = fate(queries)
      if (becomes === 'unsent') throw error()
      if (becomes === 'unanswered') unanswered.add(queryId)
      return node
    },
    transformResult: async ({ result, queryId }) => {
      if (unanswered.has(queryId)) throw error()
      return result
    },
  }
  return { ...database, db: database.db.withPlugin(plugin), queries: () => queries }
}
