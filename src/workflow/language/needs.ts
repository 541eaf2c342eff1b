import type { Step } from './definition.ts'

/** Which steps of a list need which others, directly or through others. In a circle a step needs itself. */
export type Needs = {
  /** Whether the first can only begin when the second has ended. */
  isAfter: (step: number, other: number) => boolean
  /** The list's places, each behind all that it needs; a circle in any order. */
  order: number[]
}

/** As bits, so that a list of a thousand steps that need one another takes no noticeable time. */
export const transitiveNeeds = (steps: readonly Step[]): Needs => {
  const places = new Map(steps.map((step, index) => [step.name, index]))
  const width = Math.ceil(steps.length / 32)
  const bits = steps.map(() => new Uint32Array(width))
  const order: number[] = []
  const begun = new Set<number>()
  const visit = (place: number): void => {
    if (begun.has(place)) return
    begun.add(place)
    const own = bits[place]!
    for (const name of steps[place]!.needs) {
      const need = places.get(name)
      if (need === undefined) continue
      visit(need)
      own[need >> 5]! |= 1 << (need & 31)
      for (const [word, value] of bits[need]!.entries()) own[word]! |= value
    }
    order.push(place)
  }
  for (const place of steps.keys()) visit(place)
  return { isAfter: (step, other) => (bits[step]![other >> 5]! & (1 << (other & 31))) !== 0, order }
}
