import { JourneymanError } from '../../domain/errors.ts'
import type { RunStep } from '../language/definition.ts'
import { render } from '../language/expressions.ts'
import type { StepContext } from './execution.ts'

/** Without a timeout of its own a command has this long; the run's own limit ends it earlier. */
const defaultTimeoutSeconds = 600
const keptOutputBytes = 65_536

/** `type: run`: a command in the run's workspace, in the sandbox. */
export const runCommandStep = async (step: RunStep, context: StepContext): Promise<unknown> => {
  const { execution, signal } = context
  const command = String(render(step.command, execution.variables))
  context.given({ command })
  const workspace = await execution.workspace.get()
  execution.journal.activity(context.address, `running \`${command.slice(0, 80)}\``)
  const ended = await workspace.run({
    command,
    timeoutMs: (step.timeoutSeconds ?? defaultTimeoutSeconds) * 1000,
    signal,
    maxOutputBytes: keptOutputBytes,
    network: step.network,
  })
  const accepted = step.accept?.exitCode ?? [0]
  if (ended.timedOut || ended.exitCode === null || !accepted.includes(ended.exitCode)) {
    const how = ended.timedOut ? 'did not end in time' : `ended with ${ended.exitCode ?? ended.signal}`
    throw new JourneymanError('command_failed', `\`${command}\` ${how}.`, {
      detail: { exitCode: ended.exitCode, output: ended.output.slice(-4000), durationMs: ended.durationMs },
    })
  }
  return { exit_code: ended.exitCode, output: ended.output, duration_ms: ended.durationMs }
}
