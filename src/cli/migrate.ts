import { processEnvironment } from '../config/environment.ts'
import { loadConfig } from '../config/load-config.ts'
import { migrate } from '../store/migrate.ts'
import { openDatabase } from '../store/open-database.ts'
import type { ExitCode } from './exit-code.ts'

export const migrateCommand = async (): Promise<ExitCode> => {
  const { config } = loadConfig({ folder: process.cwd(), environment: processEnvironment() })
  const database = await openDatabase({ url: config.database.url, dataDir: config.data_dir, poolSize: 2 })
  try {
    await migrate(database)
    process.stdout.write(`The ${database.kind} database is ready.\n`)
    return 0
  } finally {
    await database.close()
  }
}
