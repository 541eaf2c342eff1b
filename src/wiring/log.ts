import pino from 'pino'
import type { Config } from '../config/schema.ts'

/** Messages are constants, data goes beside them. */
export type Log = (level: 'debug' | 'info' | 'warn' | 'error', message: string, data?: Record<string, unknown>) => void

/** JSON lines on standard error, each passed through the mask: a secret that slipped into a field is not written. */
export const createLog = (
  level: Config['log']['level'],
  mask: (text: string) => string,
  write: (line: string) => void = (line) => void process.stderr.write(line),
): { log: Log; setLevel: (level: Config['log']['level']) => void } => {
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers: { error: pino.stdSerializers.err } },
    { write: (line) => write(mask(line)) },
  )
  return {
    log: (at, message, data) => logger[at](data ?? {}, message),
    setLevel: (next) => {
      logger.level = next
    },
  }
}
