import type { CommandRequest, CommandResult, FileTools, SandboxStatus } from './contract.ts'

/** What this half of the room needs of `sandbox/sandbox.ts`; a `Sandbox` is one. */
export type WorkspaceSandbox = {
  status: SandboxStatus
  /** Who commands run as, when that is not the user of this process. */
  owner: { uid: number; gid: number } | null
  run: (request: CommandRequest & { root: string; scratch: string; allowedDomains: string[] }) => Promise<CommandResult>
  files: (root: string, scratch: string) => FileTools & { close: () => Promise<void> }
  /** Ends what runs on this work tree, and waits until it is gone. */
  killAll: (root: string) => Promise<void>
}
