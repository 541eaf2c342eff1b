import { expect, it } from 'vitest'
import { type BatchOptions, createBatch } from './batch.ts'

const batchOf = (options: Partial<BatchOptions<number, number>> = {}) => {
  const batches: number[][] = []
  const run = async (items: number[]) => {
    batches.push(items)
    if (items.includes(13)) throw new Error('13 is bad')
    return items.map((item) => item * 2)
  }
  const add = createBatch<number, number>({
    run,
    most: 4,
    atOnce: 1,
    mostWaiting: 100,
    full: () => new Error('full'),
    isOfAll: () => false,
    ...options,
  })
  return { add, batches }
}
const outcomes = (promises: Promise<number>[]) =>
  Promise.all(promises.map((promise) => promise.catch((error: Error) => error.message)))

it('what arrives together is done together, in pieces of a bounded size, each with its own result', async () => {
  const { add, batches } = batchOf()
  expect(await outcomes([1, 2, 3, 4, 5, 6].map(add))).toEqual([2, 4, 6, 8, 10, 12])
  expect(batches).toEqual([
    [1, 2, 3, 4],
    [5, 6],
  ])
  expect(await add(7)).toBe(14)
})

it('one bad item spoils no other', async () => {
  const { add } = batchOf()
  expect(await outcomes([1, 13, 3].map(add))).toEqual([2, '13 is bad', 6])
})

it('a failure of all is told to all, after one more try of the whole', async () => {
  let tries = 0
  const away = async (items: number[]) => {
    tries += 1
    if (tries <= 2) throw new Error('away')
    return items
  }
  const { add } = batchOf({ run: away, isOfAll: () => true })
  expect(await outcomes([1, 2, 3].map(add))).toEqual(['away', 'away', 'away'])
  expect(tries).toBe(2)
  expect(await outcomes([4, 5].map(add))).toEqual([4, 5])
})

it('a failure that passes is not told at all', async () => {
  let tries = 0
  const deadlocked = async (items: number[]) => {
    tries += 1
    if (tries === 1) throw new Error('deadlock')
    return items
  }
  const { add } = batchOf({ run: deadlocked, isOfAll: () => true })
  expect(await outcomes([1, 2].map(add))).toEqual([1, 2])
})

it('only so many wait', async () => {
  const { add } = batchOf({ mostWaiting: 3 })
  expect(await outcomes([1, 2, 3, 4, 5].map(add))).toEqual([2, 4, 6, 'full', 'full'])
})
