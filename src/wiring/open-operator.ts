import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Config } from '../config/schema.ts'
import { installedVersion } from '../config/version.ts'
import { codeOf, JourneymanError } from '../domain/errors.ts'
import { createControlClient } from '../operate/control-client.ts'
import { createOperator } from '../operate/dispatch.ts'
import type { Operator } from '../operate/verbs.ts'
import { createQueue } from '../queue/queue.ts'
import type { Database } from '../store/database.ts'
import { findHolder } from '../store/lock-folder.ts'
import { migrate, pendingMigrations } from '../store/migrate.ts'
import { openDatabase } from '../store/open-database.ts'
import { operateParts } from './operate-parts.ts'
import { createWorkflowShelf } from './workflow-shelf.ts'

export type OpenedOperator = {
  operator: Operator
  /** Whether somebody may be at work on runs: on the embedded database, only while a server holds it. */
  attended: boolean
  close: () => Promise<void>
}

/** So long a server that starts, or another command, may hold the database without saying how it can be reached. */
const patienceMs = 30_000
const lookAgainMs = 100

/**
 * The way to the verbs: through the control socket of the server that holds the embedded database; directly, where nobody
 * holds it or where it is PostgreSQL. `by` names who asks.
 */
export const openOperator = async (config: Config, by: string): Promise<OpenedOperator> => {
  if (config.database.url !== null) return openDirectly(config, by)
  if (!existsSync(join(config.data_dir, 'pglite'))) throw noDatabase(config.data_dir)
  const latest = Date.now() + patienceMs
  for (;;) {
    const holder = findHolder(config.data_dir)
    if (holder?.control) {
      const operator = createControlClient({ address: holder.control, version: installedVersion() }, by)
      return { operator, attended: true, close: async () => undefined }
    }
    try {
      if (!holder) return await openDirectly(config, by)
    } catch (error) {
      // Somebody was quicker: it is looked at again who that is.
      if (codeOf(error) !== 'conflict' || !findHolder(config.data_dir)) throw error
    }
    if (holder && Date.now() > latest) throw silent(config.data_dir, holder)
    await wait(lookAgainMs)
  }
}

const noDatabase = (folder: string): JourneymanError =>
  new JourneymanError('invalid_configuration', `There is no database in ${folder}: nothing has run there yet.`, {
    nextAction:
      'Say it in the folder from which "journeyman serve" is started, or set JOURNEYMAN_DATA_DIR or DATABASE_URL.',
  })

const silent = (folder: string, { pid, host }: { pid: number; host: string }): JourneymanError =>
  new JourneymanError(
    'conflict',
    `The process ${pid} on ${host} holds the data folder ${folder} and cannot be spoken to.`,
    {
      nextAction: 'Wait until it has ended, or end it.',
    },
  )

const openDirectly = async (config: Config, by: string): Promise<OpenedOperator> => {
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
