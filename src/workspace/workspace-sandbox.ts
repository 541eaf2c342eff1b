import type { CommandRequest, CommandResult, FileTools, SandboxStatus } from './contract.ts'

/** What this half of the room needs of `sandbox/sandbox.ts`. */
export type WorkspaceSandbox = {
  status: SandboxStatus
  run: (request: CommandRequest & { root: string; scratch: string; allowedDomains: string[] }) => Promise<CommandResult>
  files: (root: string, scratch: string) => FileTools
}
