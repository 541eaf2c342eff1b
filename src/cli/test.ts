import { processEnvironment, wantsColour } from '../config/environment.ts'
import { loadConfig } from '../config/load-config.ts'
import { findPlays } from '../rehearsal/find-plays.ts'
import { openStage, type Stage } from '../rehearsal/open-stage.ts'
import { createReport } from '../rehearsal/rehearsal-report.ts'
import { type Rehearsal, rehearse } from '../rehearsal/rehearse.ts'
import { watchFolders } from '../rehearsal/watch-folders.ts'
import type { ExitCode } from './exit-code.ts'
import { untilEnded } from './until-ended.ts'

export type TestOptions = { json?: boolean; watch?: boolean }

/** Plays the tests that lie beside workflows, against a world of its own: nothing leaves this machine. */
export const test = async (paths: string[], options: TestOptions): Promise<ExitCode> => {
  const asked = paths.length > 0 ? paths : [configuredFolder()]
  let plays = findPlays(asked)
  let opened: Promise<Stage> | null = null
  const stage = (): Promise<Stage> => {
    opened ??= openStage()
    return opened
  }
  let over = false
  const isOver = () => over
  const play = async (): Promise<ExitCode> => {
    if (!options.watch) return playThem(stage, plays, options, isOver)
    for await (const _ of watchFolders(plays.map((one) => one.workflow))) {
      plays = findPlays(asked)
      await playThem(stage, plays, options, isOver)
      if (isOver()) return 0
      process.stdout.write('\nWaiting for a change. Ctrl+C ends it.\n')
    }
    return 0
  }
  // From here on a signal is no sudden death: what was opened is closed, and its folder removed.
  const ended = untilEnded(new Promise<never>(() => undefined))
  try {
    const code = await Promise.race([play(), ended])
    // What is under way fails now for want of a stage, which says nothing of it.
    over = true
    if (code !== undefined) return code
    if (!options.watch) process.stderr.write('Ended before all tests were played.\n')
    return options.watch ? 0 : 1
  } finally {
    await (opened as Promise<Stage> | null)?.then((one) => one.close())
  }
}

const configuredFolder = (): string =>
  loadConfig({ folder: process.cwd(), environment: processEnvironment() }).config.workflows.folder

const playThem = async (
  stage: () => Promise<Stage>,
  plays: ReturnType<typeof findPlays>,
  { json }: TestOptions,
  isOver: () => boolean,
): Promise<ExitCode> => {
  const began = Date.now()
  const stream = json ? process.stderr : process.stdout
  const report = createReport(
    (line) => void (isOver() || stream.write(`${line}\n`)),
    wantsColour(processEnvironment(), stream),
  )
  const rehearsals: Rehearsal[] = []
  for (const play of plays) rehearsals.push(await rehearse(stage, play, report))
  report.ended(rehearsals, (Date.now() - began) / 1000)
  if (json && !isOver())
    process.stdout.write(`${JSON.stringify({ passed: exitCodeOf(rehearsals) === 0, rehearsals })}\n`)
  return exitCodeOf(rehearsals)
}

/** A mistake in a file is told before a test that fails, and a workflow without tests counts only where none has any. */
const exitCodeOf = (rehearsals: Rehearsal[]): ExitCode => {
  if (rehearsals.some((each) => each.problems.length > 0)) return 3
  const played = rehearsals.flatMap((each) => each.performances)
  if (played.some((one) => !one.passed)) return 1
  return rehearsals.every((each) => each.missing) ? 2 : 0
}
