import { relative } from 'node:path'
import { styleText } from 'node:util'
import { duration } from '../domain/duration.ts'
import { formatUsd, microUsd } from '../domain/money.ts'
import type { Difference } from './match-value.ts'
import type { OutcomeStep } from './outcome.ts'
import type { Performance } from './perform-case.ts'
import type { Rehearsal } from './rehearse.ts'

/** What people read: each case with a mark, and for one that failed all that is needed to see why. */
export const createReport = (say: (line: string) => void, colour: boolean) => {
  const style = (format: Parameters<typeof styleText>[0], text: string) => (colour ? styleText(format, text) : text)

  const began = (rehearsal: Rehearsal): void => {
    say(style('bold', `${rehearsal.workflow}  ${style('dim', here(rehearsal.file))}`))
    for (const { file, line, column, path, message } of rehearsal.problems) {
      say(`  ${style('red', '✗')} ${here(file)}:${line}:${column} ${path}: ${message}`)
    }
    if (rehearsal.within.length > 0) say(`  It is played in the tests of ${rehearsal.within.join(', ')}.`)
    if (rehearsal.missing && rehearsal.problems.length === 0) for (const line of example(rehearsal)) say(line)
  }
  const performed = (performance: Performance): void => {
    const { name, passed, seconds, outcome } = performance
    const facts = [`${seconds.toFixed(1)} s`, ...(outcome ? factsOf(outcome) : [])].join(', ')
    say(`  ${passed ? style('green', '✓') : style('red', '✗')} ${name} ${style('dim', `(${facts})`)}`)
    if (!passed) for (const line of whyNot(performance, style)) say(`      ${line}`)
  }
  const ended = (rehearsals: Rehearsal[], seconds: number): void => {
    const all = rehearsals.flatMap((each) => each.performances)
    const failed = all.filter((one) => !one.passed).length
    const broken = rehearsals.filter((each) => each.problems.length > 0).length
    const missing = rehearsals.filter((each) => each.missing).length
    const skipped = rehearsals.flatMap((each) => each.skipped).length
    const parts = [
      `${all.length - failed} passed`,
      ...(failed > 0 ? [style('red', `${failed} failed`)] : []),
      ...(skipped > 0 ? [`${skipped} left out`] : []),
      ...(broken > 0 ? [style('red', `${broken} not run for mistakes`)] : []),
      ...(missing > 0 ? [style('yellow', `${missing} without tests`)] : []),
    ]
    say(`\n${parts.join(', ')} ${style('dim', `(${seconds.toFixed(1)} s)`)}`)
  }
  return { began, performed, ended }
}

type Style = (format: Parameters<typeof styleText>[0], text: string) => string

const here = (file: string): string => {
  const path = relative(process.cwd(), file)
  return path.startsWith('..') ? file : path
}

const factsOf = ({ costUsd, waited }: NonNullable<Performance['outcome']>): string[] => [
  ...(costUsd > 0 ? [formatUsd(microUsd(costUsd))] : []),
  ...(waited >= 1 ? [`would have waited ${duration(waited * 1000)}`] : []),
]

const example = ({ workflow, fixture }: Rehearsal): string[] => [
  `  It has no tests. Write them into ${here(fixture)}; the least is`,
  '',
  '    tests:',
  `      - name: a ticket becomes a pull request`,
  '        model: [ { write: { "hello.txt": "Hello." } } ]',
  '        expect: { state: done }',
  '',
  `  and then: journeyman test ${here(fixture.replace('.test.', '.'))}    (${workflow})`,
]

const whyNot = ({ differences, problem, outcome, log }: Performance, style: Style): string[] => [
  ...(problem ? [style('red', problem.message), ...(problem.nextAction ? [problem.nextAction] : [])] : []),
  ...differences.flatMap((difference) => linesOf(difference, style)),
  ...(outcome?.failure
    ? [`It ended as ${outcome.state}: ${outcome.failure.code}: ${outcome.failure.message}`]
    : outcome
      ? [`It ended as ${outcome.state}.`]
      : []),
  ...(outcome && outcome.steps.length > 0
    ? ['What happened:', ...outcome.steps.map((step) => `  ${stepLine(step)}`)]
    : []),
  ...(log.length > 0 ? ['The last it logged:', ...log.map((line) => `  ${logLine(line)}`)] : []),
]

const linesOf = ({ key, expected, actual }: Difference, style: Style): string[] => [
  style('bold', key),
  `  expected ${style('green', shown(expected))}`,
  `  but was  ${style('red', shown(actual))}`,
]

const mostCharacters = 600

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')
  const cut = text.length > mostCharacters ? `${text.slice(0, mostCharacters)}… (${text.length} characters)` : text
  return cut.replaceAll('\n', '\n           ')
}

const stepLine = ({ address, state, attempts, code, message, reason }: OutcomeStep): string => {
  const tries = attempts > 1 ? ` after ${attempts} attempts` : ''
  const why = state === 'failed' ? `: ${code}: ${message}` : state === 'skipped' ? `: ${reason}` : ''
  return `${address}  ${state}${tries}${why}`
}

const logLine = (line: string): string => {
  try {
    const { level, msg, time: _, ...data } = JSON.parse(line) as { level: number; msg: string; time: string }
    return `${level >= 50 ? 'error' : level >= 40 ? 'warn' : 'info'} ${msg} ${JSON.stringify(data).slice(0, 400)}`
  } catch {
    return line
  }
}
