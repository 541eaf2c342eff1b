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
  const play = async (): Promise<ExitCode> => {
    if (!options.watch) return playThem(stage, plays, options)
    for await (const _ of watchFolders(plays.map((one) => one.workflow))) {
      plays = findPlays(asked)
      await playThem(stage, plays, options)
      process.stdout.write('\nWaiting for a change. Ctrl+C ends it.\n')
    }
    return 0
  }
  // From here on a signal is no sudden death: what was opened is closed, and its folder removed.
  const ended = untilEnded(new Promise<never>(() => undefined))
  try {
    return (await Promise.race([play(), ended])) ?? (options.watch ? 0 : 1)
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
): Promise<ExitCode> => {
  const began = Date.now()
  const stream = json ? process.stderr : process.stdout
  const report = createReport((line) => void stream.write(`${line}\n`), wantsColour(processEnvironment(), stream))
  const rehearsals: Rehearsal[] = []
  for (const play of plays) rehearsals.push(await rehearse(stage, play, report))
  report.ended(rehearsals, (Date.now() - began) / 1000)
  if (json) process.stdout.write(`${JSON.stringify({ passed: exitCodeOf(rehearsals) === 0, rehearsals })}\n`)
  return exitCodeOf(rehearsals)
}

/** A mistake in a file is told before a test that fails, and a workflow without tests counts only where none has any. */
const exitCodeOf = (rehearsals: Rehearsal[]): ExitCode => {
  if (rehearsals.some((each) => each.problems.length > 0)) return 3
  const played = rehearsals.flatMap((each) => each.performances)
  if (played.some((one) => !one.passed)) return 1
  return rehearsals.every((each) => each.missing) ? 2 : 0
}
