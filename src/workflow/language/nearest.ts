import { editDistance } from '../../domain/edit-distance.ts'

/** So many candidates are compared; a file of thousands of mistakes over thousands of names must not take minutes. */
const mostCandidates = 200

/** The candidate that a person most likely meant, or null when none is close. Bounded: long words are not compared. */
export const nearest = (word: string, candidates: Iterable<string>): string | null => {
  let best: string | null = null
  let bestDistance = mistakesIn(word) + 1
  let compared = 0
  for (const candidate of candidates) {
    compared += 1
    if (compared > mostCandidates) break
    // A name that is known and has no value is not mended by saying it again.
    if (candidate === word) continue
    if (word.length >= 4 && candidate.startsWith(`${word}_`)) return candidate
    if (Math.abs(candidate.length - word.length) >= bestDistance || candidate.length > 80 || word.length > 80) continue
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    // A word of which nothing is left is another word.
    if (distance < bestDistance && distance < Math.max(word.length, candidate.length)) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** How many mistakes may be made in a word before it is another. */
const mistakesIn = (word: string): number => Math.max(1, word.length >= 7 ? 3 : Math.floor(word.length / 3))

/** ` Did you mean \`title\`?`, or nothing: to be put behind a sentence. */
export const suggestion = (word: string, candidates: Iterable<string>): string => {
  const found = nearest(word, candidates)
  return found === null ? '' : ` Did you mean \`${found}\`?`
}
