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
  given.length >= 3 && name.startsWith(given) ? 1 : editDistance([...given], [...name])

/** Letters inserted, left out, changed, or swapped with the next one. */
const editDistance = (from: string[], to: string[]): number => {
  const rows = [to.map((_, index) => index)]
  rows[0]!.push(to.length)
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= to.length; j += 1) {
      const above = rows[i - 1]!
      const same = from[i - 1] === to[j - 1] ? 0 : 1
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      row.push(
        Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + same, swapped ? rows[i - 2]![j - 2]! + 1 : Infinity),
      )
    }
    rows.push(row)
  }
  return rows[from.length]![to.length]!
}
