import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { Config } from '../config/schema.ts'
import { type Breakers, createBreakers } from '../guard/breakers.ts'
import type { Db } from '../store/database.ts'
import type { Log } from './log.ts'

/** The breakers of this process, by the configuration as it is at each use. */
export const processBreakers = (
  db: Db,
  parts: { config: () => Config; log: Log; count: (service: string, what: 'failed' | 'refused') => void },
): Breakers =>
  createBreakers({
    db,
    owner: `${hostname()}:${process.pid}:${randomBytes(3).toString('hex')}`,
    settings: () => {
      const { failures, open_seconds, most_open_seconds } = parts.config().breakers
      return { failures, openSeconds: open_seconds, mostOpenSeconds: most_open_seconds }
    },
    log: parts.log,
    count: parts.count,
  })
