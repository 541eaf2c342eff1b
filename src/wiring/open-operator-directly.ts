import type { Config } from '../config/schema.ts'
import { JourneymanError } from '../domain/errors.ts'
import { createOperator } from '../operate/dispatch.ts'
import { createQueue } from '../queue/queue.ts'
import type { Database } from '../store/database.ts'
import { migrate, pendingMigrations } from '../store/migrate.ts'
import { openDatabase } from '../store/open-database.ts'
import type { OpenedOperator } from './opened-operator.ts'
import { operateParts } from './operate-parts.ts'
import { createWorkflowShelf } from './workflow-shelf.ts'

/** The verbs in this process, on a database that it opens itself. Rejects as opening it does; `invalid_configuration` for an old one. */
export const openOperatorDirectly = async (config: Config, by: string): Promise<OpenedOperator> => {
  const { database: at, data_dir: dataDir } = config
  const database = await openDatabase({ url: at.url, dataDir, poolSize: 2 })
  const queue = createQueue(database, { supervise: false })
  let started: Promise<void> | null = null
  const close = async () => {
    if (started) await queue.stop({ graceMs: 0 })
    await database.close()
  }
  try {
    await requireSchema(database)
    const workflows = async () =>
      (await createWorkflowShelf({ database, config: () => config, log: () => undefined })).workflows()
    const parts = operateParts(() => config, { database, queue, workflows })
    const operator = createOperator(parts, by, () => {
      started ??= queue.start()
      return started
    })
    return { operator, attended: database.kind === 'postgres', close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The embedded database is this process's alone. A shared one is not changed under those who use it. */
const requireSchema = async (database: Database): Promise<void> => {
  if (database.kind === 'pglite') return void (await migrate(database))
  const pending = await pendingMigrations(database)
  if (pending.length === 0) return
  throw new JourneymanError(
    'invalid_configuration',
    `The database is older than this version: it lacks ${pending.join(', ')}.`,
    {
      nextAction: 'Say "journeyman migrate", or use the version that the servers are.',
    },
  )
}
