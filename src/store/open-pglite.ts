import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import pg from 'pg'
import type { JourneymanError } from '../domain/errors.ts'
import type { Database } from './database.ts'
import { requireRoom, watchRoom } from './disk-room.ts'
import { lockFolder } from './lock-folder.ts'
import { startPgliteHost } from './pglite-host.ts'
import { openPgliteStream } from './pglite-stream.ts'
import { poolDatabase, typesForBoth } from './pool-database.ts'
import { sessionSettings } from './session-settings.ts'

const defaultDeadlineMs = 30_000
const defaultWaitMs = 30_000

/**
 * Opens the embedded database in `<dataDir>/pglite`, under the folder's lock. It has one session, so that the pool has one
 * connection and a transaction waits for the one before it: a query outside, awaited inside a transaction, would wait for
 * itself and is ended with `store_unavailable` after half a minute.
 */
export const openPglite = async (options: {
  dataDir: string
  /** As of `startPgliteHost`. */
  keptIn?: string | null
  /** How long one statement may take before the database counts as lost. */
  deadlineMs?: number
  /** How long to wait for the transaction before. */
  waitMs?: number
  onLost?: (error: JourneymanError) => void
}): Promise<Database> => {
  const lock = lockFolder(options.dataDir)
  const folder = join(options.dataDir, 'pglite')
  const deadlineMs = options.deadlineMs ?? defaultDeadlineMs
  try {
    const made = beginMaking(folder)
    await requireRoom(folder)
    const host = await startPgliteHost({
      folder,
      ...(options.keptIn !== undefined && { keptIn: options.keptIn }),
      deadlineMs,
      onLost: (error) => options.onLost?.(error),
    })
    made()
    const room = watchRoom(folder)
    const pool = new pg.Pool({
      max: 1,
      user: 'postgres',
      database: 'postgres',
      password: '',
      ssl: false,
      idleTimeoutMillis: 0,
      // The thread's own deadline comes first; this is for an answer that says less than the driver waits for.
      query_timeout: deadlineMs + 1_000,
      connectionTimeoutMillis: options.waitMs ?? defaultWaitMs,
      types: typesForBoth,
      stream: () => openPgliteStream(host) as never,
      onConnect: async (client: pg.ClientBase) => {
        await client.query(sessionSettings)
      },
    })
    const database = poolDatabase(pool, {
      kind: 'pglite',
      listen: listenInside(pool, (text) => database.query(text)),
      ping: async () => {
        await requireRoom(folder)
        await database.query('select 1')
      },
      refuse: room.refuse,
      panicked: (error) => host.lose(error.message),
      closed: async () => {
        room.stop()
        await host.close()
        lock.release()
      },
    })
    return Object.assign(database, { announce: lock.announce })
  } catch (error) {
    lock.release()
    throw error
  }
}

/**
 * A new database takes its time to be made, and whoever is killed in the middle leaves one that cannot be opened. It stays
 * marked until it is whole; what is marked holds nothing of anybody's, and is made anew. Gives what takes the mark away.
 */
const beginMaking = (folder: string): (() => void) => {
  const mark = `${folder}.unfinished`
  if (existsSync(mark)) rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  if (readdirSync(folder).length > 0) return () => undefined
  writeFileSync(mark, '')
  return () => {
    rmSync(mark, { force: true })
    // For good, before anybody is told that something is kept: a mark that came back would take it away.
    syncFolder(dirname(folder))
  }
}

/** Windows has no such thing, and no need of it. */
const syncFolder = (folder: string): void => {
  if (process.platform === 'win32') return
  const opened = openSync(folder, 'r')
  fsyncSync(opened)
  closeSync(opened)
}

/** LISTEN on the one session: what it is notified of arrives with the answers to whatever is asked next, also of itself. */
const listenInside = (pool: pg.Pool, query: (text: string) => Promise<unknown>): Database['listen'] => {
  const listeners = new Map<string, Set<(payload: string) => void>>()
  pool.on('connect', (client) =>
    client.on('notification', (message) => {
      for (const heard of listeners.get(message.channel) ?? []) heard(message.payload ?? '')
    }),
  )
  return async (channel, heard, reconnected) => {
    const quoted = pg.escapeIdentifier(channel)
    const ofChannel = listeners.get(channel) ?? new Set()
    listeners.set(channel, ofChannel.add(heard))
    await query(`listen ${quoted}`)
    reconnected()
    return {
      close: async () => {
        ofChannel.delete(heard)
        if (ofChannel.size === 0) await query(`unlisten ${quoted}`)
      },
    }
  }
}
