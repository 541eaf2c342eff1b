import { relative } from 'node:path'
import { sentence } from '../wiring/workflow-shelf.ts'

/** A mistake as a terminal is told it, with a place that an editor can go to. */
export const tellable = (problem: Parameters<typeof sentence>[0]): string =>
  `${problem.severity}: ${sentence({ ...problem, file: fromHere(problem.file) })}`

/** A path as whoever stands here would say it; outside of here it stays whole. */
export const fromHere = (file: string): string => {
  const path = relative(process.cwd(), file)
  return path === '' || path.startsWith('..') ? file : path
}
