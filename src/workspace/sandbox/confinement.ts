import { randomUUID } from 'node:crypto'
import { dirname } from 'node:path'
import type { SandboxKind } from '../contract.ts'
import { memoryFolders, placeArguments } from './arguments.ts'
import { commandEnvironment, forwarderPort, insidePaths } from './environment.ts'
import type { Launched, Launcher } from './launcher.ts'
import { limitedCommand, type SandboxLimits } from './limits.ts'
import type { Tools } from './tools.ts'

export type ConfinedProgram = {
  root: string
  scratch: string
  proxyFolder: string | null
  command: string[]
  /** Errors join the output, in their order. Then what is left on the error stream is the confinement's own complaint. */
  joinErrors: boolean
  interactive: boolean
  timeoutMs: number | null
  keptOutputBytes: number
  limits?: Partial<SandboxLimits>
}

export type OpenNetwork = { folder: string; close: () => Promise<void> }

/** One way to run programs: in bubblewrap, or bare. */
export type Confinement = {
  kind: SandboxKind
  tools: Tools
  launch: (program: ConfinedProgram, onOutput?: (chunk: string) => void) => Launched
  openNetwork: (allowedDomains: string[]) => Promise<OpenNetwork | null>
  /** A process of the same user outside of any sandbox, for the self-test: what is in its environment must stay there. */
  startNeighbour: (env: Record<string, string>) => Launched
}

type Parts = {
  launcher: Launcher
  tools: Tools
  limits: SandboxLimits
}

/** `system` are the arguments that all programs share, from `systemArguments`. */
export const bubblewrapConfinement = (
  parts: Parts & {
    bubblewrap: string
    system: string[]
    openNetwork: (allowedDomains: string[]) => Promise<OpenNetwork>
  },
): Confinement => ({
  kind: 'bubblewrap',
  tools: parts.tools,
  openNetwork: parts.openNetwork,
  startNeighbour: (env) => startNeighbour(parts.launcher, env),
  launch: (program, onOutput) => {
    const limits = { ...parts.limits, ...program.limits }
    const env = commandEnvironment({
      kind: 'bubblewrap',
      home: insidePaths.home,
      nodeFolder: dirname(insidePaths.node),
      proxied: program.proxyFolder !== null,
    })
    const command = program.proxyFolder === null ? program.command : throughForwarder(program.command)
    return parts.launcher.start(
      {
        file: parts.bubblewrap,
        args: [
          ...parts.system,
          ...placeArguments({ ...program, env }, parts.tools.seccomp === null ? null : 4),
          ...limitedCommand(limits, command, { joinErrors: program.joinErrors, stays: true }),
        ],
        // Empty: the init of the sandbox shows to everything inside what environment bubblewrap was started with.
        env: {},
        cwd: '/',
        inheritedFile: parts.tools.seccomp,
        contained: true,
        memoryFileSystems: memoryFolders(limits),
        ...watched(program, limits, onOutput),
      },
      onOutput,
    )
  },
})

/** No confinement: an environment from nothing, limits, and an end for the process group. The network is the host's. */
export const bareConfinement = (parts: Parts): Confinement => ({
  kind: 'none',
  tools: parts.tools,
  openNetwork: async () => null,
  startNeighbour: (env) => startNeighbour(parts.launcher, env),
  launch: (program, onOutput) => {
    const { processes: _, ...countable } = { ...parts.limits, ...program.limits }
    // Outside of a user namespace the count is that of everything this user runs; the launcher counts the tree instead.
    const [file, ...args] = limitedCommand({ ...countable, processes: unlimitedProcesses }, program.command, {
      joinErrors: program.joinErrors,
      stays: false,
    })
    return parts.launcher.start(
      {
        file: file!,
        args,
        env: {
          ...commandEnvironment({
            kind: 'none',
            home: program.scratch,
            nodeFolder: dirname(parts.tools.node),
            proxied: false,
          }),
          JOURNEYMAN_COMMAND: randomUUID(),
        },
        cwd: program.root,
        inheritedFile: null,
        contained: false,
        memoryFileSystems: [],
        ...watched(program, { ...parts.limits, ...program.limits }, onOutput),
      },
      onOutput,
    )
  },
})

const startNeighbour = (launcher: Launcher, env: Record<string, string>): Launched =>
  launcher.start({
    file: '/bin/sleep',
    args: ['10'],
    env,
    cwd: '/',
    inheritedFile: null,
    contained: false,
    memoryFileSystems: [],
    timeoutMs: 10_000,
    keptOutputBytes: 0,
    interactive: false,
    live: false,
    memoryBytes: Number.MAX_SAFE_INTEGER,
    processes: 10,
    disk: '/',
  })

const unlimitedProcesses = 1_000_000

const watched = (program: ConfinedProgram, limits: SandboxLimits, onOutput: unknown) => ({
  timeoutMs: program.timeoutMs,
  keptOutputBytes: program.keptOutputBytes,
  interactive: program.interactive,
  live: onOutput !== undefined,
  memoryBytes: limits.memory_mb * 1024 * 1024,
  processes: limits.processes,
  disk: program.root,
})

const throughForwarder = (command: string[]): string[] => [
  insidePaths.node,
  insidePaths.forwarder,
  String(forwarderPort),
  `${insidePaths.proxy}/proxy.sock`,
  ...command,
]
