import { codeOf, type ErrorCode } from '../../domain/errors.ts'
import { ParkRequest } from './park-request.ts'

/** The worker has to let go, and nothing is wrong with the work: another goes on from the journal. */
const interruptions: ReadonlySet<ErrorCode> = new Set(['stale_epoch', 'shutting_down', 'store_unavailable'])

/** What is no end of a step or of a run, and is written as no failure of either. */
export const isInterruption = (error: unknown): boolean =>
  error instanceof ParkRequest || interruptions.has(codeOf(error))
