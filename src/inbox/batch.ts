export type BatchOptions<Item, Result> = {
  run: (items: Item[]) => Promise<Result[]>
  /** Items that one piece of work takes at most, and pieces under way at once. */
  most: number
  atOnce: number
  /** Items that may wait; one more is refused with what this gives. */
  mostWaiting: number
  full: () => Error
  /** No item is to blame: the whole is tried once more, and then refused together. */
  isOfAll: (error: unknown) => boolean
}

/**
 * Lets calls that arrive together share one piece of work: while a batch is under way the next one gathers. One call
 * alone never waits. A batch that fails is done again item by item, so that one bad item spoils no other; unless the
 * failure is of all of them (the database is away), when waiting for each in turn would keep everybody waiting.
 */
export const createBatch = <Item, Result>(options: BatchOptions<Item, Result>): ((item: Item) => Promise<Result>) => {
  type Waiting = { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void }
  const waiting: Waiting[] = []
  let running = 0

  const start = () => {
    while (running < options.atOnce && waiting.length > 0) {
      const batch = waiting.splice(0, options.most)
      running += 1
      void settle(batch).finally(() => {
        running -= 1
        start()
      })
    }
  }

  const settle = async (batch: Waiting[], again = true): Promise<void> => {
    try {
      const results = await options.run(batch.map((entry) => entry.item))
      batch.forEach((entry, index) => {
        entry.resolve(results[index] as Result)
      })
    } catch (error) {
      if (options.isOfAll(error) && again) await settle(batch, false)
      else if (options.isOfAll(error) || batch.length === 1) for (const entry of batch) entry.reject(error)
      else for (const entry of batch) await settle([entry])
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      if (waiting.length >= options.mostWaiting) return reject(options.full())
      waiting.push({ item, resolve, reject })
      // Everything that the event loop has in hand now may come along.
      if (running < options.atOnce) setImmediate(start)
    })
}
