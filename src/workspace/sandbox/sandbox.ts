import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { JourneymanError } from '../../domain/errors.ts'
import type { CommandResult, SandboxKind, SandboxStatus } from '../contract.ts'
import { systemArguments } from './arguments.ts'
import { bareConfinement, bubblewrapConfinement, type Confinement } from './confinement.ts'
import { findBubblewrap, obstacle } from './detect.ts'
import { createFileServer, type SandboxedFiles } from './file-server.ts'
import { createLauncher, type Launched, type Launcher } from './launcher.ts'
import type { SandboxLimits } from './limits.ts'
import { openNetwork } from './open-network.ts'
import { giveTreeTo, type Owner, sandboxOwner } from './owner.ts'
import type { ProxyOptions } from './proxy.ts'
import { runCommand, type SandboxedCommand } from './run-command.ts'
import { selfTest } from './self-test.ts'
import { prepareTools } from './tools.ts'

export type SandboxOptions = {
  kind: 'auto' | SandboxKind
  /** `config.sandbox` fits as it is. */
  limits: SandboxLimits
  /** For files of our own; on the way to it no folder may be closed to others. Not below a folder that commands can write. */
  scratchDir: string
  /** For tests: how the proxy finds a host. */
  proxy?: ProxyOptions
}

/** Every command and every file operation of an agent goes through one of these. */
export type Sandbox = {
  /** From attempting the escapes at the start. */
  status: SandboxStatus
  /** Whom the writable folders must belong to; null where nothing is dropped. */
  owner: Owner | null
  /** Throws `sandbox_unavailable`, `stopped`, `invalid_input`, `unavailable`. A command that fails is a result. */
  run: (request: SandboxedCommand) => Promise<CommandResult>
  /** Reading and editing, inside the sandbox as well. `close` ends the process behind it. */
  files: (root: string, scratch: string) => SandboxedFiles
  /** Gives a tree to the sandbox's user: a work tree after git wrote to it, and the folder for caches. */
  ownWorktree: (root: string) => Promise<void>
  /** Ends all that runs on this work tree, file servers too, and waits until it is gone. */
  killAll: (root: string) => Promise<void>
  /** Ends everything. No process that was started here is left afterwards. */
  close: () => Promise<void>
}

export const createSandbox = async (given: SandboxOptions): Promise<Sandbox> => {
  const options = { ...given, scratchDir: resolve(given.scratchDir) }
  const prepared = options.kind === 'none' ? await prepareBare(options) : await prepareBubblewrap(options)
  const { status, owner, launcher } = prepared
  const running = new Map<string, Set<Launched>>()
  const confinement = tracked(prepared.confinement, running)

  const usable = (): Confinement => {
    if (confinement === null || !status.usable) throw new JourneymanError('sandbox_unavailable', status.summary)
    return confinement
  }

  return {
    status,
    owner,
    run: async (request) => runCommand(usable(), request, options.limits.output_kb * 1024),
    files: (root, scratch) => createFileServer(usable(), root, scratch),
    ownWorktree: (root) => giveTreeTo(owner, root),
    killAll: async (root) => {
      const ending = [...(running.get(resolve(root)) ?? [])]
      for (const launched of ending) launched.kill()
      await Promise.allSettled(ending.map(({ outcome }) => outcome))
    },
    close: async () => launcher?.close(),
  }
}

type Prepared = {
  status: SandboxStatus
  owner: Owner | null
  launcher: Launcher | null
  confinement: Confinement | null
}

const prepareBare = async (options: SandboxOptions): Promise<Prepared> => {
  const tools = await prepareTools(await ownFolder(options), null)
  const launcher = createLauncher(tools.launcher, null)
  const status: SandboxStatus = {
    kind: 'none',
    usable: true,
    summary:
      'NO SANDBOX: sandbox.kind is "none", so commands that a model wrote run as this user, with its files and its network.',
    attempts: [],
  }
  const confinement = bareConfinement({ ...options, launcher, tools })
  return { status, owner: null, launcher, confinement }
}

const prepareBubblewrap = async (options: SandboxOptions): Promise<Prepared> => {
  const owner = sandboxOwner()
  await mkdir(options.scratchDir, { recursive: true })
  const bubblewrap = await findBubblewrap()
  const summary = await obstacle(bubblewrap, owner, join(options.scratchDir, 'tools'))
  if (summary !== null || bubblewrap === null) {
    const status: SandboxStatus = { kind: 'bubblewrap', usable: false, summary: summary ?? '', attempts: [] }
    return { status, owner, launcher: null, confinement: null }
  }
  const tools = await prepareTools(await ownFolder(options), owner)
  const launcher = createLauncher(tools.launcher, owner)
  const hidden = [installation, process.cwd(), options.scratchDir]
  const system = await systemArguments(tools, options.limits, hidden)
  const confinement = bubblewrapConfinement({
    ...options,
    bubblewrap,
    launcher,
    tools,
    system,
    openNetwork: (domains) => openNetwork(options.scratchDir, owner, domains, options.proxy),
  })
  return { status: await selfTest(confinement, owner, options.scratchDir), owner, launcher, confinement }
}

/** This file lies four folders below the root of the installation. */
const installation = resolve(import.meta.dirname, '../../..')

const ownFolder = async (options: SandboxOptions): Promise<string> => {
  const folder = join(options.scratchDir, 'tools')
  await mkdir(folder, { recursive: true, mode: 0o755 })
  return folder
}

/** Remembers what runs on which work tree. */
const tracked = (confinement: Confinement | null, running: Map<string, Set<Launched>>): Confinement | null =>
  confinement && {
    ...confinement,
    launch: (program, onOutput) => {
      const launched = confinement.launch(program, onOutput)
      const root = resolve(program.root)
      const others = running.get(root) ?? new Set()
      running.set(root, others.add(launched))
      const forget = (): void => {
        others.delete(launched)
        if (others.size === 0 && running.get(root) === others) running.delete(root)
      }
      launched.outcome.then(forget, forget)
      return launched
    },
  }
