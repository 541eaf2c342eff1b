import { access, constants, readFile, stat } from 'node:fs/promises'
import type { Owner } from './owner.ts'
import { blockedAt } from './owner.ts'

/** Where bubblewrap is, or null. Not looked for on the PATH, which is part of an environment that is not ours to read. */
export const findBubblewrap = async (): Promise<string | null> => {
  for (const path of ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/bin/bwrap']) {
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path
  }
  return null
}

/** Why bubblewrap cannot be tried at all, as a sentence with its fix; null when it can. */
export const obstacle = async (
  bubblewrap: string | null,
  owner: Owner | null,
  scratchDir: string,
): Promise<string | null> => {
  if (process.platform !== 'linux') return `There is no bubblewrap on ${process.platform}. Run Journeyman on Linux.`
  if (bubblewrap === null) return 'bubblewrap is not installed. Mend it with: apt-get install bubblewrap'
  const blocked = await blockedAt(owner, scratchDir)
  if (blocked === null) return null
  return `Commands run as uid ${owner?.uid}, which may not enter ${blocked}. Choose a data folder outside it, or: chmod o+x ${blocked}`
}

/** The line that mends a bubblewrap which did not start, from what the host says of itself. */
export const remedy = async (): Promise<string> => {
  for (const { file, closed, line } of switches) {
    const value = await readFile(file, 'utf8').catch(() => null)
    if (value !== null && value.trim() === closed) return `Mend it with: ${line}`
  }
  if (await isContainer()) {
    return 'In a container the default seccomp profile forbids user namespaces. Mend it with: security_opt: [seccomp=<the profile that compose.yaml names>, apparmor=unconfined]'
  }
  return 'User namespaces have to be allowed on this host. Mend it with: sysctl -w user.max_user_namespaces=15000'
}

const switches = [
  {
    file: '/proc/sys/kernel/unprivileged_userns_clone',
    closed: '0',
    line: 'sysctl -w kernel.unprivileged_userns_clone=1',
  },
  { file: '/proc/sys/user/max_user_namespaces', closed: '0', line: 'sysctl -w user.max_user_namespaces=15000' },
  {
    file: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    closed: '1',
    line: 'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  },
]

const isContainer = async (): Promise<boolean> =>
  Boolean((await stat('/.dockerenv').catch(() => null)) ?? (await stat('/run/.containerenv').catch(() => null)))
