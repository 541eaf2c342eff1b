import { JourneymanError } from '../../domain/errors.ts'
import type { CommandRequest, CommandResult } from '../contract.ts'
import type { Confinement } from './confinement.ts'
import type { LaunchLimit, LaunchOutcome } from './launch-messages.ts'

export type SandboxedCommand = CommandRequest & {
  /** The work tree on the host, given to the sandbox's user with `ownWorktree`. */
  root: string
  /** A folder that stays for the run, the home of its commands; caches live there. */
  scratch: string
  /** Hosts, or `*.suffix`, that a command which asks for the network may reach. */
  allowedDomains?: string[]
}

/** More does not fit into an argument of a program. */
const maxCommandBytes = 100_000

/** Throws `invalid_input`, `stopped`, `sandbox_unavailable`, `unavailable`. A command that fails is a result. */
export const runCommand = async (
  confinement: Confinement,
  request: SandboxedCommand,
  defaultOutputBytes: number,
): Promise<CommandResult> => {
  requireRunnable(request)
  const domains = request.network ? (request.allowedDomains ?? []) : []
  const network = domains.length === 0 ? null : await confinement.openNetwork(domains)
  try {
    const launched = confinement.launch(
      {
        root: request.root,
        scratch: request.scratch,
        proxyFolder: network?.folder ?? null,
        command: ['/bin/bash', '-c', request.command],
        joinErrors: true,
        interactive: false,
        timeoutMs: request.timeoutMs,
        keptOutputBytes: request.maxOutputBytes ?? defaultOutputBytes,
      },
      request.onOutput,
    )
    const stop = (): void => launched.kill()
    request.signal.addEventListener('abort', stop, { once: true })
    const outcome = await launched.outcome.finally(() => request.signal.removeEventListener('abort', stop))
    if (request.signal.aborted) throw stopped()
    return resultOf(outcome, request.timeoutMs)
  } finally {
    await network?.close()
  }
}

const requireRunnable = (request: SandboxedCommand): void => {
  if (request.signal.aborted) throw stopped()
  if (request.command.includes('\0')) {
    throw new JourneymanError('invalid_input', 'The command contains a zero byte, which no shell takes.')
  }
  if (Buffer.byteLength(request.command) > maxCommandBytes) {
    throw new JourneymanError('invalid_input', `The command is longer than ${maxCommandBytes} bytes.`, {
      nextAction: 'Write the text into a file with the editing tool, and let the command read it.',
    })
  }
}

const stopped = (): JourneymanError => new JourneymanError('stopped', 'The command was stopped.')

const resultOf = (outcome: LaunchOutcome, timeoutMs: number): CommandResult => {
  if (outcome.setupError !== '' && !outcome.killed) {
    throw new JourneymanError('sandbox_unavailable', `The sandbox did not start: ${outcome.setupError.slice(0, 500)}`)
  }
  const reason = outcome.limit === null ? '' : endings[outcome.limit](timeoutMs)
  return {
    exitCode: outcome.exitCode,
    signal: outcome.signal,
    timedOut: outcome.limit === 'time',
    output: reason === '' ? outcome.output : `${outcome.output}\n[${reason}]\n`,
    outputBytes: outcome.outputBytes,
    durationMs: outcome.durationMs,
  }
}

const endings: Record<LaunchLimit, (timeoutMs: number) => string> = {
  time: (timeoutMs) => `ended: it did not finish within ${timeoutMs / 1000} seconds`,
  memory: () => 'ended: its processes together used more memory than allowed',
  processes: () => 'ended: it started more processes than allowed',
  disk: () => 'ended: the disk is nearly full',
}
