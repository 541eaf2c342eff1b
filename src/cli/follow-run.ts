import { JourneymanError } from '../domain/errors.ts'
import { isLive, type RunState } from '../domain/run.ts'
import type { RunView } from '../operate/show-run.ts'
import type { StepNode } from '../operate/step-tree.ts'
import type { OpenedOperator } from '../wiring/opened-operator.ts'
import type { ExitCode } from './exit-code.ts'
import { drawRun } from './run-screen.ts'
import { oneLine, type Screen } from './screen.ts'
import { stepMarks } from './state-style.ts'

/** Shows a run until it has ended: drawn again and again on a terminal, a line for each change elsewhere. */
export const followRun = async (
  { operator, attended }: OpenedOperator,
  run: string,
  options: { json: boolean; screen: Screen },
): Promise<ExitCode> => {
  if (!attended) await requireEnded({ operator }, run)
  const watcher = watcherOf(options)
  let state: RunState = 'queued'
  try {
    for await (const view of operator.follow('show-run', { run })) {
      state = view.run.state
      watcher.show(view)
    }
  } finally {
    watcher.close()
  }
  return state === 'done' ? 0 : 1
}

/** Waiting for what nobody works on would be waiting for ever, and would hold the database that a server needs. */
const requireEnded = async ({ operator }: Pick<OpenedOperator, 'operator'>, run: string): Promise<void> => {
  const { state, id } = (await operator.ask('show-run', { run })).run
  if (!isLive(state)) return
  throw new JourneymanError('unavailable', `The run ${id} is stored, and no server is at work on it.`, {
    nextAction: `Start one with "journeyman serve", then say "journeyman status ${id} --follow".`,
  })
}

type Watcher = { show: (view: RunView) => void; close: () => void }

const watcherOf = ({ json, screen }: { json: boolean; screen: Screen }): Watcher => {
  if (json) return { show: (view) => screen.say(JSON.stringify(view)), close: () => undefined }
  return screen.isTerminal ? redrawing(screen) : telling(screen)
}

/** Times go on between two answers, by the distance of this clock to the database's. */
const redrawing = (screen: Screen): Watcher => {
  let latest: { view: RunView; behindMs: number } | null = null
  const draw = () => {
    if (latest) screen.draw(drawRun(latest.view, screen, new Date(Date.now() - latest.behindMs)))
  }
  const timer = setInterval(draw, 1_000)
  return {
    show: (view) => {
      latest = { view, behindMs: Date.now() - Date.parse(view.now) }
      draw()
    },
    close: () => {
      clearInterval(timer)
      screen.keep()
    },
  }
}

const telling = (screen: Screen): Watcher => {
  const told = new Map<string, string>()
  const tell = (key: string, line: string) => {
    if (told.get(key) !== line) screen.say(line)
    told.set(key, line)
  }
  const tellStep = (step: StepNode): void => {
    if (step.state !== 'pending' && step.state !== 'place') tell(step.address, lineOf(step))
    step.steps.forEach(tellStep)
  }
  return {
    show: (view) => {
      view.steps.forEach(tellStep)
      for (const { address, asked } of view.approvals) tell(`${address}?`, `${address} waits for approval (${asked})`)
      const why = view.run.failure && !isLive(view.run.state) ? `: ${oneLine(view.run.failure.message, 400)}` : ''
      tell('run', `${view.run.id} ${view.run.state}${why}`)
    },
    close: () => undefined,
  }
}

const lineOf = (step: StepNode): string => {
  const note = step.note === null ? '' : `: ${oneLine(step.note, 200)}`
  return `${stepMarks[step.state].mark} ${step.address} ${step.state}${note}`
}
