/** Letters inserted, left out or changed; two neighbours the wrong way round count as one mistake. Callers bound the words. */
export const editDistance = (a: string, b: string): number => {
  let earlier: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1]
      const isTurned = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      const steps = [previous[column - 1]! + (isSame ? 0 : 1), previous[column]! + 1, current[column - 1]! + 1]
      current.push(Math.min(...steps, isTurned ? earlier[column - 2]! + 1 : Number.POSITIVE_INFINITY))
    }
    earlier = previous
    previous = current
  }
  return previous[b.length]!
}
