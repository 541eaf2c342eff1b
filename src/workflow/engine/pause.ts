import { sleep } from '../../domain/clock.ts'
import { ParkRequest } from './park-request.ts'

/** Until another try. Throws ParkRequest for one that is longer than a worker is held, and the signal's reason. */
export const pause = async (seconds: number, longestHeldSeconds: number, signal: AbortSignal): Promise<void> => {
  if (seconds > longestHeldSeconds) throw new ParkRequest(seconds)
  if (seconds > 0) await sleep(seconds * 1000, signal)
}
