import { JourneymanError } from '../domain/errors.ts'
import { isLive, type RunState } from '../domain/run.ts'
import type { LogLine } from '../operate/log-lines.ts'
import type { ExitCode } from './exit-code.ts'
import { createScreen, type Format, oneLine, plainText, type Screen } from './screen.ts'
import { withOperator } from './with-operator.ts'

/** What has happened to a run, a line each; followed, until it has ended. With `json` an object a line. */
export const logs = (run: string, options: { follow?: boolean; json?: boolean }): Promise<ExitCode> =>
  withOperator(async ({ operator, attended }) => {
    const screen = createScreen()
    const tell = (lines: LogLine[]) => {
      for (const line of lines) screen.say(options.json ? JSON.stringify(line) : drawLine(line, screen))
    }
    if (!options.follow || !attended) {
      const found = await operator.ask('read-logs', { run })
      tell(found.lines)
      if (options.follow && isLive(found.state)) throw unattended(found.run)
      return options.follow ? codeOf(found.state) : 0
    }
    let state: RunState = 'queued'
    for await (const found of operator.follow('read-logs', { run })) {
      tell(found.lines)
      state = found.state
    }
    return codeOf(state)
  })

const codeOf = (state: RunState): ExitCode => (state === 'done' ? 0 : 1)

const unattended = (id: string): JourneymanError =>
  new JourneymanError('unavailable', `No server is at work on the run ${id}.`, {
    nextAction: `Start one with "journeyman serve", then say "journeyman logs ${id} --follow".`,
  })

const formats: Record<LogLine['tone'], Format> = { good: 'green', bad: 'red', waits: 'yellow', plain: 'reset' }

const drawLine = (line: LogLine, { style, isTerminal, columns }: Screen): string => {
  const time = line.at.replace('T', ' ')
  const about = line.address === null ? line.about : `${line.address} ${line.about === 'step' ? '' : line.about}`
  const head = `${time}  ${oneLine(about, 60).padEnd(24)}  `
  const text = isTerminal ? oneLine(line.text, columns - head.length) : plainText(line.text).replace(/\s+/g, ' ')
  return `${style('dim', head)}${line.tone === 'plain' ? text : style(formats[line.tone], text)}`
}
