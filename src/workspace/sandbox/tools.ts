import { randomUUID } from 'node:crypto'
import { copyFile, link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { dirname, join } from 'node:path'
import { blockedAt, type Owner } from './owner.ts'
import { isFilteredArchitecture, seccompProgram } from './seccomp.ts'

/** What runs beside or inside the sandbox, as files that its user can reach. */
export type Tools = {
  launcher: string
  fileServer: string
  forwarder: string
  probe: string
  /** The Node that runs us. */
  node: string
  /** The npm that came with it, or null: the system's own serves. */
  npm: string | null
  ripgrep: string
  /** null where there is no filter for the processor. */
  seccomp: string | null
  /** Made-up files for `/etc`: no names of the host. */
  passwd: string
  group: string
  hosts: string
  nsswitch: string
}

/**
 * Writes them below `folder`. Scripts lose their types here, once, since Node takes 60 ms and 30 MB to do it at each start;
 * binaries that lie in a folder closed to the user are linked or copied.
 */
export const prepareTools = async (folder: string, owner: Owner | null): Promise<Tools> => {
  await mkdir(folder, { recursive: true, mode: 0o755 })
  const [, , node, ripgrep, npm, seccomp] = await Promise.all([
    Promise.all(scripts.map((name) => writeScript(folder, name))),
    Promise.all(Object.entries(systemFiles).map(([name, text]) => replaceFile(join(folder, name), text))),
    reachableFile(folder, 'node', process.execPath, owner),
    reachableFile(folder, 'rg', ripgrepPath(), owner),
    npmBeside(process.execPath, owner),
    writeFilter(folder),
  ])
  const file = (name: string): string => join(folder, name)
  return {
    launcher: file('launcher-process.mjs'),
    fileServer: file('file-server-process.mjs'),
    forwarder: file('forwarder-process.mjs'),
    probe: file('self-test-probe.mjs'),
    passwd: file('passwd'),
    group: file('group'),
    hosts: file('hosts'),
    nsswitch: file('nsswitch.conf'),
    node,
    npm,
    ripgrep,
    seccomp,
  }
}

/** Programs of their own, and what they import. They know Node's modules and each other, nothing else of the house. */
const scripts = [
  'launcher-process',
  'bounded-output',
  'process-tree',
  'file-server-process',
  'forwarder-process',
  'self-test-probe',
]

const systemFiles = {
  passwd: 'root:x:0:0:root:/root:/usr/sbin/nologin\nagent:x:1000:1000:agent:/home/agent:/bin/bash\n',
  group: 'root:x:0:\nagent:x:1000:\n',
  hosts: '127.0.0.1 localhost sandbox\n::1 localhost\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
}

const writeScript = async (folder: string, name: string): Promise<void> => {
  const source = await readFile(join(import.meta.dirname, `${name}.ts`), 'utf8')
  const plain = withoutTypes(source).replaceAll(/(from '\.\/[\w-]+)\.ts'/g, "$1.mjs'")
  await replaceFile(join(folder, `${name}.mjs`), plain)
}

/** Node says at the first use that this function might change; that is our concern, and not one of who reads the log. */
const withoutTypes = (source: string): string => {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(source)
  } finally {
    process.emitWarning = emitWarning
  }
}

const writeFilter = async (folder: string): Promise<string | null> => {
  if (!isFilteredArchitecture(process.arch)) return null
  const path = join(folder, `seccomp-${process.arch}.bpf`)
  await replaceFile(path, seccompProgram(process.arch))
  return path
}

/** Complete or absent, also when two processes of the house start on one folder. */
const replaceFile = async (path: string, content: string | Uint8Array): Promise<void> => {
  const part = `${path}.${randomUUID()}`
  await writeFile(part, content, { mode: 0o644 })
  await rename(part, path)
}

const reachableFile = async (folder: string, name: string, source: string, owner: Owner | null): Promise<string> => {
  if ((await blockedAt(owner, source)) === null) return source
  const { size, mtimeMs } = await stat(source)
  const path = join(folder, `${name}-${size}-${Math.trunc(mtimeMs)}`)
  if (await stat(path).catch(() => null)) return path
  const part = `${path}.${randomUUID()}`
  await link(source, part).catch(() => copyFile(source, part))
  await rename(part, path)
  await rm(part, { force: true })
  return path
}

const npmBeside = async (node: string, owner: Owner | null): Promise<string | null> => {
  const folder = join(dirname(node), '../lib/node_modules/npm')
  const there = await stat(join(folder, 'bin/npm-cli.js')).catch(() => null)
  return there !== null && (await blockedAt(owner, folder)) === null ? folder : null
}

const ripgrepPath = (): string => {
  const platformPackage = `@vscode/ripgrep-${process.platform}-${process.arch}`
  const ours = createRequire(import.meta.url)
  return createRequire(ours.resolve('@vscode/ripgrep')).resolve(`${platformPackage}/bin/rg`)
}
