import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Config } from '../config/schema.ts'
import { installedVersion } from '../config/version.ts'
import { codeOf, JourneymanError } from '../domain/errors.ts'
import { createControlClient } from '../operate/control-client.ts'
import { findHolder } from '../store/lock-folder.ts'
import type { OpenedOperator } from './opened-operator.ts'

/** So long a server that starts, or another command, may hold the database without saying how it can be reached. */
const patienceMs = 30_000
const lookAgainMs = 100

/**
 * The way to the verbs: through the control socket of the server that holds the embedded database; directly, where nobody
 * holds it or where it is PostgreSQL. `by` names who asks.
 */
export const openOperator = async (config: Config, by: string): Promise<OpenedOperator> => {
  if (config.database.url !== null) return openDirectly(config, by)
  if (!isThere(join(config.data_dir, 'pglite'))) throw noDatabase(config.data_dir)
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

/** What may not be looked into is not the same as nothing. */
const isThere = (folder: string): boolean => {
  try {
    return statSync(folder, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    throw new JourneymanError('invalid_configuration', `The data folder cannot be looked into: ${messageOf(error)}.`, {
      nextAction: 'Say it as the user that the server runs as.',
    })
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

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

/** Loaded only when it is the way: a question to a server needs neither drivers nor verbs, and is most of what is asked. */
const openDirectly = async (config: Config, by: string): Promise<OpenedOperator> =>
  (await import('./open-operator-directly.ts')).openOperatorDirectly(config, by)
