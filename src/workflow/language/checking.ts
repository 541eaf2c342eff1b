import type { CheckContext } from './check-context.ts'
import type { Definition, Position, Problem, Step, Trigger } from './definition.ts'
import type { Place } from './expression-tree.ts'
import type { Gaps } from './gaps.ts'
import { subjectNames } from './known-names.ts'
import { mostProblems } from './parse-steps.ts'
import type { ParsedWorkflow } from './parse-workflow.ts'
import { problemAt } from './schema-problems.ts'
import { everyStep } from './steps-within.ts'
import { noName } from './unread-step.ts'
import type { Path, YamlSource } from './yaml-source.ts'

/** What one check of one file shares. Each kind of check is a file that is given this and reports. */
export type Checking = {
  /** As far as it can be understood, where the form of the file is broken. */
  definition: Definition
  gaps: Gaps
  source: YamlSource
  context: CheckContext
  pathOf: (part: Step | Trigger) => Path
  /** Of all steps, however deep. */
  stepNames: ReadonlySet<string>
  /** Whether no step has the name, and none that is mended could. */
  isNoStep: (name: string) => boolean
  /** The names that the system supplies for what runs are about. */
  subjects: readonly string[]
  /** At a value. */
  report: (path: Path, message: string, severity?: Problem['severity']) => void
  /** At a key. */
  reportKey: (path: Path, key: string, message: string, severity?: Problem['severity']) => void
  /** At a place inside an expression, which stands somewhere in the text at that path. */
  reportInside: (path: Path, expression: string, at: Place, message: string, severity?: Problem['severity']) => void
}

export const beginChecking = (
  definition: Definition,
  { source, paths, gaps, problems }: Pick<ParsedWorkflow, 'source' | 'paths' | 'gaps' | 'problems'>,
  context: CheckContext,
): Checking => {
  const add = (position: Position, path: Path, message: string, severity: Problem['severity'] = 'error'): void => {
    if (problems.length > mostProblems) return
    problems.push(problemAt(source, position, path, message, severity))
  }
  const names = new Set(everyStep(definition).map((step) => step.name))
  const areAllNamed = !names.delete(noName) && !gaps.isBroken(['steps']) && !gaps.isBroken(['post_execution'])
  return {
    definition,
    gaps,
    source,
    context,
    pathOf: (part) => paths.get(part) ?? [],
    stepNames: names,
    isNoStep: (name) => areAllNamed && !names.has(name) && !gaps.allWords().has(name),
    subjects: subjectNames(gaps.isClear(['on']) ? definition : { on: [] }),
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
