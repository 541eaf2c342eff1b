import type { JourneymanError } from '../domain/errors.ts'
import type { Database } from './database.ts'
import { openPglite } from './open-pglite.ts'
import { openPostgres } from './open-postgres.ts'

/**
 * Opens PostgreSQL when there is an address, the embedded database in the data folder when there is none. `onLost` is
 * called once when the embedded one has stopped answering: this process cannot go on and should end.
 * Rejects with `conflict` (another process holds the folder), `store_unavailable`, `invalid_configuration`.
 */
export const openDatabase = (options: {
  url: string | null
  dataDir: string
  poolSize: number
  onLost?: (error: JourneymanError) => void
}): Promise<Database> =>
  options.url === null
    ? openPglite({ dataDir: options.dataDir, ...(options.onLost && { onLost: options.onLost }) })
    : openPostgres({ url: options.url, poolSize: options.poolSize })
