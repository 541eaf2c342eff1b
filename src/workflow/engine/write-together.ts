import type { Claim } from '../../domain/run.ts'
import type { Db } from '../../store/database.ts'
import { type ClaimedSteps, type StepImage, writeSteps, writeStepsAtOnce } from '../../store/write-steps.ts'

/** Resolves when they are kept. Throws `stale_epoch`, and what the database throws. */
export type WriteSteps = (claim: Claim, images: readonly StepImage[]) => Promise<void>

/** So many runs in one statement, and so many statements at a time: one is on its way while the answer to another is read. */
const most = 64
const mostUnderWay = 2

/**
 * What the runs of one worker have to keep goes together: all that comes in one turn of the event loop, and, while two
 * statements are under way, what comes meanwhile. Those whom one answer lets go on come back in the same turn, mostly.
 * What does not go with the others (somebody has locked the run, its claim is lost, the database refuses a row) is written by
 * itself, and nobody waits for that.
 */
export const createWriteTogether = (db: Db): WriteSteps => {
  const waiting: (ClaimedSteps & { resolve: () => void; reject: (reason: unknown) => void })[] = []
  let underWay = 0
  let isDue = false

  const writeSoon = (): void => {
    if (isDue || underWay >= mostUnderWay || waiting.length === 0) return
    isDue = true
    setImmediate(() => {
      isDue = false
      void writeWhatWaits()
    })
  }

  const writeWhatWaits = async (): Promise<void> => {
    const now = waiting.splice(0, most)
    underWay += 1
    writeSoon()
    const written = await writeStepsAtOnce(db, now).catch(() => nothing)
    underWay -= 1
    for (const one of now) {
      if (written.has(one)) one.resolve()
      else void writeSteps(db, one.claim, one.images).then(one.resolve, one.reject)
    }
    writeSoon()
  }

  return (claim, images) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    waiting.push({ claim, images, resolve, reject })
    writeSoon()
    return promise
  }
}

const nothing: ReadonlySet<ClaimedSteps> = new Set()
