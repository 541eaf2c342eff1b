import type { CheckContext } from './check-context.ts'
import type { Definition, Position, Problem, Step } from './definition.ts'
import type { Place } from './expression-tree.ts'
import { mostProblems } from './parse-steps.ts'
import { problemAt } from './schema-problems.ts'
import { everyStep } from './steps-within.ts'
import type { Path, YamlSource } from './yaml-source.ts'

/** What one check of one file shares. Each kind of check is a file that is given this and reports. */
export type Checking = {
  definition: Definition
  source: YamlSource
  context: CheckContext
  pathOf: (step: Step) => Path
  /** Of all steps, however deep. */
  stepNames: ReadonlySet<string>
  /** At a value. */
  report: (path: Path, message: string, severity?: Problem['severity']) => void
  /** At a key. */
  reportKey: (path: Path, key: string, message: string, severity?: Problem['severity']) => void
  /** At a place inside an expression, which stands somewhere in the text at that path. */
  reportInside: (path: Path, expression: string, at: Place, message: string, severity?: Problem['severity']) => void
}

export const beginChecking = (
  definition: Definition,
  source: YamlSource,
  paths: ReadonlyMap<Step, Path>,
  context: CheckContext,
  problems: Problem[],
): Checking => {
  const add = (position: Position, path: Path, message: string, severity: Problem['severity'] = 'error'): void => {
    if (problems.length > mostProblems) return
    problems.push(problemAt(source, position, path, message, severity))
  }
  return {
    definition,
    source,
    context,
    pathOf: (step) => paths.get(step) ?? [],
    stepNames: new Set(everyStep(definition).map((step) => step.name)),
    report: (path, message, severity) => add(source.at(path), path, message, severity),
    reportKey: (path, key, message, severity) => add(source.atKey(path, key), [...path, key], message, severity),
    reportInside: (path, expression, at, message, severity) =>
      add(moved(source.atText(path, expression), at), path, message, severity),
  }
}

const moved = (start: Position, at: Place): Position =>
  at.line === 0
    ? { line: start.line, column: start.column + at.column }
    : { line: start.line + at.line, column: at.column + 1 }
