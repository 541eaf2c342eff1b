import { existsSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Database } from '../../src/store/database.ts'
import { tidyOnce } from '../../src/wiring/tidy-disk.ts'
import { createSandbox } from '../../src/workspace/sandbox/sandbox.ts'
import { createWorkspaces } from '../../src/workspace/workspaces.ts'
import type { Fault } from './fault.ts'
import type { Ground } from './open-ground.ts'
import type { Records } from './records.ts'

/** I7: what must not be left when every run has ended and every worker too. */
export const judgeLeftovers = async (ground: Ground, database: Database, records: Records): Promise<Fault[]> => {
  const left = [
    ...(await processesIn(ground.dataDir)),
    ...(await branchesOf(ground, records)),
    ...(await treesOf(ground, database)),
    ...(records.slots > 0 ? [`${records.slots} concurrency slots are taken.`] : []),
    ...(existsSync(join(ground.dataDir, 'control.sock')) ? ['A control socket.'] : []),
  ]
  return left.map((what) => ({ invariant: 'I7', what: `Left behind: ${what}` }))
}

/** Only pull requests that are open keep a branch. */
const branchesOf = async ({ repository }: Ground, records: Records): Promise<string[]> => {
  const text = await repository.git('for-each-ref', '--format=%(refname)', 'refs')
  const done = new Set(records.runs.filter((run) => run.state === 'done').map((run) => `refs/heads/built/${run.id}`))
  return text
    .split('\n')
    .filter((name) => name !== '' && name !== 'refs/heads/main' && !name.startsWith('refs/pull/') && !done.has(name))
    .map((name) => `the branch ${name}.`)
}

/** What a killed worker leaves is removed by whoever tidies the disk, which a worker does every half minute: done at once here. */
const treesOf = async (ground: Ground, database: Database): Promise<string[]> => {
  const folder = join(ground.dataDir, 'work')
  const limits = {
    memory_mb: 512,
    processes: 64,
    cpu_seconds: 60,
    file_mb: 64,
    open_files: 256,
    command_seconds: 60,
    setup_seconds: 60,
    output_kb: 64,
  }
  const sandbox = await createSandbox({ kind: 'none', limits, scratchDir: join(ground.dataDir, 'judge') })
  const workspaces = await createWorkspaces({ folder, sandbox, mirrorFreshSeconds: 0, mirrorsMaxMb: 1_000 })
  try {
    await tidyOnce(database, workspaces, 0)
  } finally {
    await workspaces.close()
    await sandbox.close()
  }
  const runs = await readdir(join(folder, 'runs')).catch((): string[] => [])
  return runs.map((name) => `the folder of ${name}.`)
}

/** Processes that have anything to do with that folder. */
export const processesIn = async (folder: string): Promise<string[]> => {
  const found: string[] = []
  for (const pid of await readdir('/proc').catch((): string[] => [])) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '')
    if (command.includes(folder) || cwd.startsWith(folder))
      found.push(`the process ${pid} ${command.replaceAll('\0', ' ').slice(0, 120)} in ${cwd}`)
  }
  return found
}
