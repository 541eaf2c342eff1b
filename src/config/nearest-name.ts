import { editDistance } from '../domain/edit-distance.ts'

/** The known name that was probably meant: a third of it may differ, or its end be missing. null when none is near. */
export const nearestName = (given: string, known: readonly string[]): string | null => {
  let best: { name: string; distance: number } | null = null
  for (const name of known) {
    const distance = distanceOf(given.toLowerCase().slice(0, 60), name.toLowerCase())
    if (distance <= Math.max(1, Math.floor(name.length / 3)) && distance < (best?.distance ?? Infinity)) {
      best = { name, distance }
    }
  }
  return best?.name ?? null
}

const distanceOf = (given: string, name: string): number =>
  given.length >= 3 && name.startsWith(given) ? 1 : editDistance(given, name)
