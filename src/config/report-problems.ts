import { relative } from 'node:path'
import { JourneymanError } from '../domain/errors.ts'
import type { ConfigProblem, Place } from './config-tree.ts'

/** Every mistake of every file as one error, in the order of the files and lines. */
export const reportProblems = (problems: ConfigProblem[], folder: string): JourneymanError => {
  const lines = problems
    .toSorted((a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column)
    .map((problem) => `  ${placeText(problem, folder)}  ${problem.key && `${problem.key}: `}${problem.message}`)
  const count = problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`
  return new JourneymanError('invalid_configuration', `The configuration has ${count}:\n${lines.join('\n')}`, {
    nextAction: "Correct what is listed; the installation's journeyman.yaml explains every key.",
    detail: { problems },
  })
}

const placeText = (place: Place, folder: string): string => {
  if (place.line === 0) return place.file
  const inside = relative(folder, place.file)
  return `${inside.startsWith('..') ? place.file : inside}:${place.line}:${place.column}`
}
