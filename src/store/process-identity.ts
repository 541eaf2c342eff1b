import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** What tells one process from every other, also from one that is given its number later. */
export type ProcessIdentity = { pid: number; host: string; bootId: string; pidNamespace: string; startedAt: string }

export const identityOf = (pid: number): ProcessIdentity => ({
  pid,
  host: hostname(),
  bootId: firstOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
  pidNamespace: firstOf(() => readlinkSync('/proc/self/ns/pid')),
  startedAt: startOf(pid),
})

/**
 * Whether that process lives, as far as can be seen from here; `unknown` for one of another container or machine, whose
 * processes this one cannot see.
 */
export const processState = (other: ProcessIdentity): 'alive' | 'dead' | 'unknown' => {
  const here = identityOf(other.pid)
  if (other.bootId !== here.bootId) return other.host === here.host ? 'dead' : 'unknown'
  if (other.pidNamespace !== here.pidNamespace) return 'unknown'
  if (!exists(other.pid)) return 'dead'
  return other.startedAt === here.startedAt ? 'alive' : 'dead'
}

const exists = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** When a process started: clock ticks since boot on Linux, a date elsewhere, '' where neither is to be had. */
const startOf = (pid: number): string =>
  firstOf(
    () => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      // The name stands in brackets and may hold spaces; the start is the 22nd field, the 20th after it.
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
    },
    () => execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' }).trim(),
  )

const firstOf = (...ways: (() => string)[]): string => {
  for (const way of ways) {
    try {
      return way()
    } catch {
      // The next way, or none.
    }
  }
  return ''
}
