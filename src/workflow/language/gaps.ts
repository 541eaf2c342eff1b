import { own } from './data.ts'
import type { Path } from './yaml-source.ts'

/**
 * Where the form of a file is broken. What is asked of the rest may only be answered where it would be answered the same
 * when these places are mended, in whatever way: so each question that something is not there asks here first.
 */
export type Gaps = {
  /** What stands at the path does not fit, or something is missing there. */
  addBroken: (path: Path) => void
  /** A key that nobody knows: it may have been meant as any that is not there beside it. */
  addUnknown: (path: Path, key: string) => void
  /** Nothing is wrong at the path, around it or within it, nor with a key that may have been meant for it. */
  isClear: (path: Path) => boolean
  /** As `isClear`, whatever is wrong within. */
  isRead: (path: Path) => boolean
  /** As `isRead`, and a key that is not there is no question. */
  isBroken: (path: Path) => boolean
  /** What is written under unknown keys of the object at the path: any of it may be a name that counts when it is mended. */
  wordsAt: (path: Path) => ReadonlySet<string>
  /** Of all unknown keys. */
  allWords: () => ReadonlySet<string>
}

type Place = { inner: Map<string | number, Place>; isBroken: boolean; hasUnknown: boolean; words: Set<string> }

export const newGaps = (value: unknown): Gaps => {
  const root = newPlace()
  const all = new Set<string>()
  const follow = (path: Path): { place: Place | null; isHit: boolean } => {
    let place = root
    let there: unknown = value
    for (const key of path) {
      if (place.isBroken) return { place, isHit: true }
      const isAbsent = valueAt(there, key) === undefined
      const next = place.inner.get(key)
      if (!next) return { place: null, isHit: isAbsent && place.hasUnknown }
      place = next
      there = valueAt(there, key)
    }
    return { place, isHit: place.isBroken }
  }
  const reach = (path: Path): Place => path.reduce(placeWithin, root)
  return {
    addBroken: (path) => {
      reach(path).isBroken = true
    },
    addUnknown: (path, key) => {
      const place = reach(path)
      placeWithin(place, key).isBroken = true
      place.hasUnknown = true
      const words = wordsIn(valueAt(path.reduce(valueAt, value), key))
      for (const word of words) place.words.add(word)
      for (const word of words) all.add(word)
    },
    isClear: (path) => {
      const { place, isHit } = follow(path)
      // A place is kept only where something is wrong at it or within it.
      return !isHit && (place === null || (place === root && root.inner.size === 0))
    },
    isRead: (path) => !follow(path).isHit,
    isBroken: (path) => follow(path).place?.isBroken ?? false,
    wordsAt: (path) => follow(path).place?.words ?? none,
    allWords: () => all,
  }
}

const none: ReadonlySet<string> = new Set()

const newPlace = (): Place => ({ inner: new Map(), isBroken: false, hasUnknown: false, words: new Set() })

const placeWithin = (place: Place, key: string | number): Place => {
  const found = place.inner.get(key) ?? newPlace()
  place.inner.set(key, found)
  return found
}

const valueAt = (value: unknown, key: string | number): unknown =>
  Array.isArray(value) ? value[Number(key)] : own(value, key)

/** Keys and texts, and of a dotted one what stands before the dot, which is the name of a variable. */
const wordsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value, value.split('.')[0] as string]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [key, ...wordsIn(inner)])
}
