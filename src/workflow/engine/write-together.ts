import type { Claim } from '../../domain/run.ts'
import type { Db } from '../../store/database.ts'
import { type ClaimedSteps, type StepImage, writeStepsTogether } from '../../store/write-steps.ts'

/** Resolves when they are kept. Throws `stale_epoch`, and what the database throws. */
export type WriteSteps = (claim: Claim, images: readonly StepImage[]) => Promise<void>

/** So many runs in one statement. */
const most = 64

/**
 * What the runs of one worker have to keep goes together: while one statement is under way, what comes meanwhile waits for
 * the next. A run that is alone waits for nothing.
 */
export const createWriteTogether = (db: Db): WriteSteps => {
  const waiting: (ClaimedSteps & { resolve: () => void; reject: (reason: unknown) => void })[] = []
  let underWay = false

  const writeWhatWaits = async (): Promise<void> => {
    if (underWay) return
    underWay = true
    while (waiting.length > 0) {
      const now = waiting.splice(0, most)
      try {
        const ends = await writeStepsTogether(db, now)
        for (const [index, end] of ends.entries()) {
          if (end.status === 'fulfilled') now[index]?.resolve()
          else now[index]?.reject(end.reason)
        }
      } catch (error) {
        for (const { reject } of now) reject(error)
      }
    }
    underWay = false
  }

  return (claim, images) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    waiting.push({ claim, images, resolve, reject })
    void writeWhatWaits()
    return promise
  }
}
