import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CommandRequest, CommandResult } from '../contract.ts'
import type { SandboxLimits } from './limits.ts'
import type { ProxyOptions } from './proxy.ts'
import { createSandbox, type Sandbox } from './sandbox.ts'

/** A sandbox with one work tree, in a folder of its own. For the tests of this room and of those that build on it. */
export type TestSandbox = {
  sandbox: Sandbox
  folder: string
  root: string
  scratch: string
  run: (command: string, more?: Partial<CommandRequest> & { allowedDomains?: string[] }) => Promise<CommandResult>
  close: () => Promise<void>
}

export const testLimits: SandboxLimits = {
  memory_mb: 1024,
  processes: 200,
  cpu_seconds: 60,
  file_mb: 64,
  open_files: 1024,
  output_kb: 64,
}

export const openTestSandbox = async (
  kind: 'bubblewrap' | 'none',
  more: { limits?: Partial<SandboxLimits>; proxy?: ProxyOptions } = {},
): Promise<TestSandbox> => {
  const folder = await mkdtemp(join(tmpdir(), 'journeyman-sandbox-'))
  const root = join(folder, 'work')
  const scratch = join(folder, 'home')
  // The folder that mkdtemp makes is closed to others.
  await chmod(folder, 0o755)
  await Promise.all([mkdir(root), mkdir(scratch)])
  const limits = { ...testLimits, ...more.limits }
  const options = { kind, limits, scratchDir: join(folder, 'scratch'), ...(more.proxy && { proxy: more.proxy }) }
  const sandbox = await createSandbox(options)
  await Promise.all([sandbox.ownWorktree(root), sandbox.ownWorktree(scratch)])
  const { signal } = new AbortController()
  return {
    sandbox,
    folder,
    root,
    scratch,
    run: (command, request) => sandbox.run({ command, root, scratch, timeoutMs: 20_000, signal, ...request }),
    close: async () => {
      await sandbox.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Why the tests in bubblewrap cannot run here; null when they can. Printed, so that nobody takes a skip for a pass. */
export const bubblewrapMissing = async (): Promise<string | null> => {
  const probe = await openTestSandbox('bubblewrap')
  const { usable, summary } = probe.sandbox.status
  await probe.close()
  if (usable) return null
  console.warn(`SKIPPED: every test that needs bubblewrap. ${summary}`)
  return summary
}

/** Live processes of this machine whose arguments hold a text. Zombies have none. */
export const processesWith = async (text: string): Promise<number[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return pids.filter((_, index) => lines[index]!.includes(text)).map(Number)
}

/** Looks until it is so, since the kernel takes its moment; false after the time is over. */
export const eventually = async (isSo: () => Promise<boolean>, withinMs = 5000): Promise<boolean> => {
  for (const deadline = Date.now() + withinMs; Date.now() < deadline; ) {
    if (await isSo()) return true
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return isSo()
}
