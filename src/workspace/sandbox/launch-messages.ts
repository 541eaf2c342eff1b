import type { MemoryFileSystem } from './process-tree.ts'

/** What the worker and its launcher say to each other, over the channel between them. */
export type LaunchRequest = {
  id: number
  file: string
  args: string[]
  env: Record<string, string>
  cwd: string
  /** A file that the program inherits as descriptor 4: the seccomp filter. */
  inheritedFile: string | null
  /** bubblewrap tells on descriptor 3 which process is the init of the sandbox. Without it a process group is ended. */
  contained: boolean
  timeoutMs: number | null
  keptOutputBytes: number
  /** Input is given line by line, and all output is passed on. */
  interactive: boolean
  /** Output is passed on while it comes, besides being kept. */
  live: boolean
  memoryBytes: number
  processes: number
  /** A folder on the disk that the program writes to: it ends when that disk is nearly full. */
  disk: string
  /** Where the program sees file systems that live in memory; they count as its memory. */
  memoryFileSystems: MemoryFileSystem[]
}

export type LaunchOrder =
  | { type: 'start'; request: LaunchRequest }
  | { type: 'input'; id: number; text: string }
  | { type: 'kill'; id: number }

/** Why the launcher ended a program; null when it ended by itself or was asked to be ended. */
export type LaunchLimit = 'time' | 'memory' | 'processes' | 'disk'

export type LaunchOutcome = {
  exitCode: number | null
  signal: string | null
  limit: LaunchLimit | null
  killed: boolean
  output: string
  outputBytes: number
  /** What the confinement itself complained of. Empty when the program was reached. */
  setupError: string
  durationMs: number
}

export type LaunchReport =
  | { type: 'ready' }
  | { type: 'output'; id: number; chunk: string }
  | { type: 'done'; id: number; outcome: LaunchOutcome }
