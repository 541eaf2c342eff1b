import { randomUUID } from 'node:crypto'
import { copyFile, link, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import { dirname, join } from 'node:path'
import { prepareEtc } from './etc.ts'
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
  /** The folder that is `/run/journeyman` inside: scripts, and places for what is mounted there. */
  inside: string
  /** The folder that is `/etc` inside. */
  etc: string
}

/**
 * Writes them below `folder`. Scripts lose their types here, once, since Node takes 60 ms and 30 MB to do it at each start;
 * binaries that lie in a folder closed to the user are linked or copied.
 */
export const prepareTools = async (folder: string, owner: Owner | null): Promise<Tools> => {
  const [inside, etc] = [join(folder, 'inside'), join(folder, 'etc')]
  await mkdir(folder, { recursive: true, mode: 0o755 })
  const [, , node, ripgrep, npm, seccomp] = await Promise.all([
    prepareInside(inside),
    prepareEtc(etc, replaceFile),
    reachableFile(folder, 'node', process.execPath, owner),
    reachableFile(folder, 'rg', ripgrepPath(), owner),
    npmBeside(process.execPath, owner),
    writeFilter(folder),
  ])
  const script = (name: (typeof scripts)[number]): string => join(inside, `${name}.mjs`)
  return {
    launcher: script('launcher-process'),
    fileServer: script('file-server-process'),
    forwarder: script('forwarder-process'),
    probe: script('self-test-probe'),
    node,
    npm,
    ripgrep,
    seccomp,
    inside,
    etc,
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
] as const

/** With the commands of npm as links, which lead nowhere when there is no npm beside Node; then the system's serves. */
const prepareInside = async (folder: string): Promise<void> => {
  await Promise.all([
    mkdir(join(folder, 'node/bin'), { recursive: true }),
    mkdir(join(folder, 'node/lib/node_modules/npm'), { recursive: true }),
    mkdir(join(folder, 'proxy'), { recursive: true }),
  ])
  await Promise.all([
    ...scripts.map((name) => writeScript(folder, name)),
    // Never replaced: that would undo the mount on it in every sandbox of another process that runs at this moment.
    ...['node/bin/node', 'rg'].map((name) => writeFile(join(folder, name), '', { flag: 'a', mode: 0o644 })),
    ...['npm', 'npx'].map((name) =>
      symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(folder, 'node/bin', name)).catch(() => null),
    ),
  ])
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
