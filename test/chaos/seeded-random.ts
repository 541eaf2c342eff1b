/** Numbers that are the same for the same seed (mulberry32). */
export type Random = {
  next: () => number
  below: (limit: number) => number
  pick: <T>(from: readonly T[]) => T
  shuffle: <T>(list: readonly T[]) => T[]
}

export const seededRandom = (seed: number): Random => {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return {
    next,
    below,
    pick: <T>(from: readonly T[]): T => {
      if (from.length === 0) throw new Error('There is nothing to pick from.')
      return from[below(from.length)] as T
    },
    shuffle: (list) => {
      const mixed = [...list]
      for (let left = mixed.length; left > 1; left--) {
        const other = below(left)
        const [one, two] = [mixed[left - 1], mixed[other]]
        mixed[left - 1] = two as (typeof mixed)[number]
        mixed[other] = one as (typeof mixed)[number]
      }
      return mixed
    },
  }
}
