/**
 * Commands and edits of the agent may overlap; git reads the work tree only while none of them runs. Otherwise a process
 * of the agent could swap a file for a link between git's look at it and git's reading of it, and have the host read a
 * file of its own.
 */
export type AccessTurns = {
  shared: <T>(work: () => Promise<T>) => Promise<T>
  exclusive: <T>(work: () => Promise<T>) => Promise<T>
  /** When everything that was begun has ended. */
  idle: () => Promise<void>
}

export const createAccessTurns = (): AccessTurns => {
  let lastExclusive: Promise<unknown> = Promise.resolve()
  let sharing = new Set<Promise<unknown>>()

  return {
    idle: async () => {
      await Promise.all([lastExclusive, ...sharing])
    },
    shared: (work) => {
      const mine = lastExclusive.then(work)
      const settled = quiet(mine)
      const group = sharing
      group.add(settled)
      void settled.then(() => group.delete(settled))
      return mine
    },
    exclusive: (work) => {
      const before = [lastExclusive, ...sharing]
      const mine = Promise.all(before).then(work)
      lastExclusive = quiet(mine)
      sharing = new Set()
      return mine
    },
  }
}

const quiet = (promise: Promise<unknown>): Promise<unknown> => promise.catch(() => {})
