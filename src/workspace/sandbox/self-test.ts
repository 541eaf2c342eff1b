import { randomUUID } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { SandboxStatus } from '../contract.ts'
import type { Confinement } from './confinement.ts'
import { remedy } from './detect.ts'
import { insidePaths } from './environment.ts'
import { giveTreeTo, type Owner } from './owner.ts'
import type { Attempt, ProbeRequest } from './self-test-probe.ts'

const probeTimeoutMs = 10_000
const probeOutputBytes = 256 * 1024
/** Node alone has a dozen threads, which count as well. */
const probeProcesses = 48

/**
 * Lays out secrets of the host, sends a probe into the sandbox to fetch them, and tells what it brought back. Never throws:
 * a test that cannot be made is a sandbox that is not usable.
 */
export const selfTest = (confinement: Confinement, owner: Owner | null, scratchDir: string): Promise<SandboxStatus> =>
  probe(confinement, owner, scratchDir).catch(async (error) => notStarted(String(error), await remedy()))

const probe = async (confinement: Confinement, owner: Owner | null, scratchDir: string): Promise<SandboxStatus> => {
  const folder = join(scratchDir, `self-test-${randomUUID()}`)
  const bait = await layBait(confinement, owner, folder)
  try {
    const outcome = await confinement.launch({
      root: join(folder, 'root'),
      scratch: join(folder, 'home'),
      proxyFolder: null,
      command: [insidePaths.node, insidePaths.probe, JSON.stringify(bait.request)],
      joinErrors: true,
      interactive: false,
      timeoutMs: probeTimeoutMs,
      keptOutputBytes: probeOutputBytes,
      limits: { processes: probeProcesses },
    }).outcome
    const attempts = attemptsIn(outcome.output)
    if (attempts === null) return notStarted(outcome.setupError || outcome.output, await remedy())
    return judged(attempts)
  } finally {
    await bait.remove()
  }
}

type Bait = { request: ProbeRequest; remove: () => Promise<void> }

const layBait = async (confinement: Confinement, owner: Owner | null, folder: string): Promise<Bait> => {
  const canary = randomUUID()
  const abstractSocket = `journeyman-${canary}`
  for (const name of ['root', 'home', 'other']) await mkdir(join(folder, name), { recursive: true })
  // A file that the sandbox's user may read by its mode, so that only the confinement stands in the way.
  const otherFile = join(folder, 'other/secret.txt')
  await writeFile(otherFile, canary)
  await Promise.all(['root', 'home', 'other'].map((name) => giveTreeTo(owner, join(folder, name))))
  const [tcp, abstract] = await Promise.all([
    listening({ host: '127.0.0.1', port: 0 }),
    listening({ path: `\0${abstractSocket}` }),
  ])
  const neighbour = confinement.startNeighbour({ JOURNEYMAN_CANARY: canary })
  const address = tcp.address()
  return {
    request: {
      worktree: insidePaths.worktree,
      unreadable: [
        '/etc/shadow',
        ...keysOfOurs(),
        otherFile,
        folder,
        confinement.tools.launcher,
        '/var/run/docker.sock',
      ],
      unwritable: [
        '/usr/escaped',
        '/etc/escaped',
        '/escaped',
        '/dev/escaped',
        join(insidePaths.node, '../escaped'),
        otherFile,
      ],
      canary,
      tcpPort: typeof address === 'object' && address !== null ? address.port : 0,
      abstractSocket,
    },
    remove: async () => {
      neighbour.kill()
      tcp.close()
      abstract.close()
      await neighbour.outcome.catch(() => null)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A container may run us as a user that no file knows; then there is no home, and no keys in it. */
const keysOfOurs = (): string[] => {
  try {
    return [join(userInfo().homedir, '.ssh')]
  } catch {
    return []
  }
}

const listening = (where: { host: string; port: number } | { path: string }): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.unref()
    server.on('error', reject)
    server.listen(where, () => resolve(server))
  })

/** null: the probe did not come back with anything. */
const attemptsIn = (output: string): Attempt[] | null => {
  try {
    const attempts: unknown = JSON.parse(output)
    return Array.isArray(attempts) && attempts.length > 0 ? (attempts as Attempt[]) : null
  } catch {
    return null
  }
}

const notStarted = (complaint: string, fix: string): SandboxStatus => ({
  kind: 'bubblewrap',
  usable: false,
  summary: `bubblewrap did not start (${complaint.trim().slice(0, 300) || 'it said nothing'}). ${fix}`,
  attempts: [],
})

const judged = (attempts: Attempt[]): SandboxStatus => {
  const escaped = attempts.filter(({ held }) => !held)
  const usable = escaped.length === 0
  const summary = usable
    ? `bubblewrap holds: ${attempts.length} attempts to get out of it or past its limits failed.`
    : `bubblewrap does not hold: ${escaped.map(({ name, detail }) => `${name} (${detail})`).join(', ')}.`
  return { kind: 'bubblewrap', usable, summary, attempts }
}
