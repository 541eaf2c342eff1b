import { lstat, readlink } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import { insidePaths } from './environment.ts'
import { etcFolders } from './etc.ts'
import type { SandboxLimits } from './limits.ts'
import type { Tools } from './tools.ts'

/** What one program in the sandbox sees besides the system. */
export type Place = {
  root: string
  scratch: string
  env: Record<string, string>
  /** The folder with the socket of the proxy; null: no way out. */
  proxyFolder: string | null
}

/**
 * The arguments of bubblewrap that are the same for every program: the namespaces and the allow-listed, read-only root.
 * `hidden` are folders of ours that might lie in one of the system's folders.
 */
export const systemArguments = async (tools: Tools, limits: SandboxLimits, hidden: string[]): Promise<string[]> => [
  ...namespaces,
  ...(await systemFolders()),
  ...hidden.filter(isHidable).flatMap(emptyFolder),
  // Machine-wide settings of npm, which may hold a token.
  ...(await existing(['/usr/etc', '/usr/local/etc'])).flatMap(emptyFolder),
  ...readOnly(tools.etc, '/etc'),
  ...(await existing(etcFolders)).flatMap((path) => readOnly(path, path)),
  ...['--proc', '/proc', '--dev', '/dev'],
  ...memoryFolders(limits).flatMap(({ path, bytes }) => ['--size', String(bytes), '--perms', '1777', '--tmpfs', path]),
  ...['--remount-ro', '/dev', '--symlink', '/tmp', '/var/tmp'],
  ...toolArguments(tools),
]

/** The rest: what is writable, and the environment. `remount-ro /` comes last, when every mount target is there. */
export const placeArguments = (place: Place, seccompFd: number | null): string[] => [
  ...['--bind', place.root, insidePaths.worktree, '--bind', place.scratch, insidePaths.home],
  ...(place.proxyFolder === null ? [] : readOnly(place.proxyFolder, insidePaths.proxy)),
  ...['--remount-ro', '/', '--chdir', insidePaths.worktree],
  ...Object.entries(place.env).flatMap(([name, value]) => ['--setenv', name, value]),
  ...(seccompFd === null ? [] : ['--seccomp', String(seccompFd)]),
  ...['--info-fd', '3', '--'],
]

/** File systems in memory, sized, because they are memory that no limit of a process counts. */
export const memoryFolders = (limits: SandboxLimits): { path: string; bytes: number }[] => [
  { path: '/tmp', bytes: Math.ceil(limits.memory_mb / 2) * 1024 * 1024 },
  { path: '/dev/shm', bytes: Math.ceil(limits.memory_mb / 4) * 1024 * 1024 },
]

/**
 * `as-pid-1`: what is run is the init itself. bubblewrap's own init would be left to the host's when bubblewrap ends, and
 * where that is a Node in a container, as a zombie for ever; so bubblewrap waits until the whole namespace is gone.
 */
const namespaces = [
  ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-net', '--unshare-cgroup-try'],
  ...['--disable-userns', '--cap-drop', 'ALL', '--clearenv', '--new-session', '--die-with-parent', '--as-pid-1'],
  ...['--uid', '1000', '--gid', '1000', '--hostname', 'sandbox'],
]

const visibleFolders = ['/usr', '/opt', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']

/** Started from such a folder, we are not at home in it. */
const systemsOwn = [...visibleFolders, '/usr/bin', '/usr/sbin', '/usr/lib', '/usr/lib64', '/usr/local', '/usr/share']

const isHidable = (folder: string): boolean =>
  visibleFolders.some((visible) => isWithin(folder, visible)) && !systemsOwn.includes(resolve(folder))

/** `/bin` and its like as they are on this host: a symbolic link into `/usr`, or a folder. */
const systemFolders = async (): Promise<string[]> => {
  const found = await Promise.all(
    visibleFolders.map(async (path) => {
      const entry = await lstat(path).catch(() => null)
      if (entry === null) return []
      return entry.isSymbolicLink() ? ['--symlink', await readlink(path), path] : ['--ro-bind', path, path]
    }),
  )
  return found.flat()
}

const toolArguments = (tools: Tools): string[] => [
  ...readOnly(tools.inside, insidePaths.tools),
  ...readOnly(tools.node, insidePaths.node),
  ...readOnly(tools.ripgrep, insidePaths.ripgrep),
  ...(tools.npm === null ? [] : readOnly(tools.npm, insidePaths.npm)),
]

const readOnly = (source: string, target: string): string[] => ['--ro-bind', source, target]

const emptyFolder = (path: string): string[] => ['--perms', '0755', '--tmpfs', path, '--remount-ro', path]

const isWithin = (path: string, folder: string): boolean => `${resolve(path)}${sep}`.startsWith(`${folder}${sep}`)

const existing = async (paths: string[]): Promise<string[]> => {
  const there = await Promise.all(paths.map((path) => lstat(path).catch(() => null)))
  return paths.filter((_, index) => there[index])
}
