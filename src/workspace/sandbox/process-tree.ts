import { readdirSync, readFileSync, statfsSync } from 'node:fs'

/** A file system in memory, where the processes see it, and the size that it was given. */
export type MemoryFileSystem = { path: string; bytes: number }

/** What a tree of processes holds, as the kernel tells it. Reads of processes that have just ended count as nothing. */
export type TreeUse = { processes: number; memoryBytes: number }

/** More than any sandbox may hold; a tree that is larger is over every limit anyway. */
const maxVisited = 4096

/** All descendants of a process, itself included. Threads are not processes, but their children are ours too. */
export const processTree = (rootPid: number): number[] => {
  const found = [rootPid]
  for (let next = 0; next < found.length && found.length < maxVisited; next++) {
    for (const thread of namesIn(`/proc/${found[next]}/task`)) {
      found.push(...numbersIn(`/proc/${found[next]}/task/${thread}/children`))
    }
  }
  return found
}

/** Every process whose environment, as it was at its start, holds this text: what has forked away from its tree. */
export const processesMarked = (marker: string): number[] =>
  namesIn('/proc')
    .filter((name) => /^\d+$/.test(name) && textOf(`/proc/${name}/environ`).includes(marker))
    .map(Number)

/** The sum of anonymous and shared memory; where that is too much, shared pages are divided among those who share them. */
export const measureTree = (pids: number[], limitBytes: number, memoryFileSystems: MemoryFileSystem[]): TreeUse => {
  const files = fileSystemBytes(pids, memoryFileSystems)
  const rough = files + sum(pids.map(roughBytes))
  if (rough <= limitBytes) return { processes: pids.length, memoryBytes: rough }
  return { processes: pids.length, memoryBytes: files + sum(pids.map(shareOfBytes)) }
}

/** Whether a process still runs. A zombie waits only to be counted, and does nothing any more. */
export const isRunning = (pid: number): boolean => {
  const state = textOf(`/proc/${pid}/stat`).split(') ').at(-1)?.[0]
  return state !== undefined && state !== 'Z' && state !== 'X'
}

const roughBytes = (pid: number): number => sumOf(textOf(`/proc/${pid}/status`), /^Rss(?:Anon|Shmem):\s+(\d+) kB/gm)

const shareOfBytes = (pid: number): number => {
  const text = textOf(`/proc/${pid}/smaps_rollup`)
  return text === '' ? roughBytes(pid) : sumOf(text, /^Pss_(?:Anon|Shmem):\s+(\d+) kB/gm)
}

/**
 * Seen through the first process that lets us look; an inode of such a file system costs about a kilobyte as well. One
 * that still sees the host's folder there is known by the size, and passed over.
 */
const fileSystemBytes = (pids: number[], fileSystems: MemoryFileSystem[]): number =>
  sum(fileSystems.map((fileSystem) => firstUse(pids, fileSystem)))

const firstUse = (pids: number[], fileSystem: MemoryFileSystem): number => {
  for (const pid of pids) {
    const use = useOf(pid, fileSystem)
    if (use !== null) return use
  }
  return 0
}

const useOf = (pid: number, { path, bytes }: MemoryFileSystem): number | null => {
  try {
    const use = statfsSync(`/proc/${pid}/root${path}`)
    if (use.type !== tmpfsMagic || use.blocks * use.bsize !== bytes) return null
    return (use.blocks - use.bfree) * use.bsize + (use.files - use.ffree) * 1024
  } catch {
    return null
  }
}

const tmpfsMagic = 0x0102_1994

const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0)

const sumOf = (text: string, kilobytes: RegExp): number =>
  sum([...text.matchAll(kilobytes)].map((match) => Number(match[1]) * 1024))

const numbersIn = (path: string): number[] => textOf(path).split(' ').map(Number).filter(Boolean)

const namesIn = (path: string): string[] => {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
