import { migrate } from '../../src/store/migrate.ts'
import { openDatabase } from '../../src/store/open-database.ts'

/** Migrates the PostgreSQL at the given address and says which files it applied, or why it could not. */
const [url, dataDir] = process.argv.slice(2)
const database = await openDatabase({ url: url!, dataDir: dataDir!, poolSize: 2 })
try {
  console.log(JSON.stringify(await migrate(database)))
} catch (error) {
  console.log(String(error))
} finally {
  await database.close()
}
