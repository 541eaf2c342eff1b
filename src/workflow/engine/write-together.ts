import type { Claim } from '../../domain/run.ts'
import type { Db } from '../../store/database.ts'
import { type ClaimedSteps, type StepImage, writeSteps, writeStepsAtOnce } from '../../store/write-steps.ts'

/** Resolves when they are kept. Throws `stale_epoch`, and what the database throws. */
export type WriteSteps = (claim: Claim, images: readonly StepImage[]) => Promise<void>

/** So many runs in one statement, and so many statements at a time: one is on its way while the answer to another is read. */
const most = 64
const mostUnderWay = 2

/**
 * What the runs of one worker have to keep goes together: while two statements are under way, what comes meanwhile waits for
 * the next. A run that is alone waits for nothing. What does not go with the others (somebody has locked the run, its claim is
 * lost, the database refuses a row) is written by itself, and nobody waits for that.
 */
export const createWriteTogether = (db: Db): WriteSteps => {
  const waiting: (ClaimedSteps & { resolve: () => void; reject: (reason: unknown) => void })[] = []
  let underWay = 0

  const writeWhatWaits = async (): Promise<void> => {
    if (underWay >= mostUnderWay) return
    underWay += 1
    while (waiting.length > 0) {
      const now = waiting.splice(0, most)
      const written = await writeStepsAtOnce(db, now).catch(() => nothing)
      for (const one of now) {
        if (written.has(one)) one.resolve()
        else void writeSteps(db, one.claim, one.images).then(one.resolve, one.reject)
      }
    }
    underWay -= 1
  }

  return (claim, images) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    waiting.push({ claim, images, resolve, reject })
    void writeWhatWaits()
    return promise
  }
}

const nothing: ReadonlySet<ClaimedSteps> = new Set()
