/**
 * Lets calls that arrive together share one piece of work: while a batch is under way the next one gathers. One call
 * alone never waits. A batch that fails is done again item by item, so that one bad item spoils no other.
 */
export const createBatch = <Item, Result>(options: {
  run: (items: Item[]) => Promise<Result[]>
  most: number
  atOnce: number
}): ((item: Item) => Promise<Result>) => {
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

  const settle = async (batch: Waiting[]): Promise<void> => {
    try {
      const results = await options.run(batch.map((entry) => entry.item))
      batch.forEach((entry, index) => {
        entry.resolve(results[index] as Result)
      })
    } catch (error) {
      const [only] = batch
      if (batch.length === 1) only?.reject(error)
      else for (const entry of batch) await settle([entry])
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      // Everything that the event loop has in hand now may come along.
      if (running < options.atOnce) setImmediate(start)
    })
}
