import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { endOf, type Kind, kinds } from './chaos-workflows.ts'
import type { Ground } from './open-ground.ts'

/** A delivery that was answered with a 2xx: from then on it is ours. */
export type Acknowledged = { guid: string; what: 'start' | 'approve' | 'go' | 'retry' | 'stop'; issue: number }

/** What a worker's death took with it, and when somebody had it again. */
export type Death = { pid: number; at: number; held: Map<string, number>; resumedAfter: Map<string, number> }

export type Driver = {
  /** The kind of the run of each issue. */
  issues: Map<number, Kind>
  acknowledged: Acknowledged[]
  live: () => number
  start: (kind: Kind) => Promise<void>
  /** To be told as soon as a worker has died. */
  died: (pid: number) => Death
  /** Resolves when every run has ended and is told; false where that takes too long. */
  ended: (mostSeconds: number) => Promise<boolean>
  stop: () => Promise<void>
}

type RunRow = { id: string; subject: string; state: string; epoch: number; lease_owner: string | null; untold: boolean }

const isLive = (state: string): boolean => state === 'queued' || state === 'running' || state === 'parked'

/** Starts runs by signed deliveries, and does what people do: says yes, and lets things happen that are waited for. */
export const driveRuns = (ground: Ground): Driver => {
  const issues = new Map<number, Kind>()
  const acknowledged: Acknowledged[] = []
  const deaths: Death[] = []
  const answeredAt = new Map<string, number>()
  const went = new Set<number>()
  const told = new Set<number>()
  let runs: RunRow[] = []
  let made = 0
  let over = false
  let trouble: unknown = null

  /** One that somebody has yet to have tried again is not. */
  const isOver = ({ state, subject }: RunRow): boolean =>
    !isLive(state) && !(state === 'failed' && endOf[issues.get(numberOf(subject)) as Kind].state === 'done')

  /** As a provider does it: the same delivery again until somebody has it. */
  const deliver = async (
    what: Acknowledged['what'],
    issue: number,
    send: (guid: string) => Promise<{ status: number }>,
  ): Promise<void> => {
    const guid = crypto.randomUUID()
    const latest = Date.now() + mostDeliveringMs
    for (let tries = 0; Date.now() < latest && !over; tries++) {
      const [worker] = [...ground.workers].slice(tries % Math.max(1, ground.workers.size))
      ground.world.github.webhookUrl = worker ? `${worker.url}/webhooks/github` : null
      const status = worker
        ? await send(guid).then(
            (sent) => sent.status,
            () => 0,
          )
        : 0
      if (status >= 200 && status < 300) return void acknowledged.push({ guid, what, issue })
      await sleep(50)
    }
  }
  const start = async (kind: Kind): Promise<void> => {
    made += 1
    const lane = `lane ${made % 3}`
    const issue = ground.repository.createIssue({ title: `Notes ${made}`, body: lane, author: ground.alice })
    issues.set(issue.number, kind)
    await deliver('start', issue.number, (guid) => ground.repository.label(issue.number, kind, ground.alice, { guid }))
  }

  const look = async (): Promise<void> => {
    runs = await ground.rows<RunRow>(`select id, subject, state, epoch::int as epoch, lease_owner,
      (report_dirty or report_until is not null) as untold from workflow_executions`)
    const now = Date.now()
    for (const death of deaths) {
      for (const [id, epoch] of death.held) {
        const run = runs.find((one) => one.id === id)
        const isResumed = run && (run.epoch > epoch || !isLive(run.state))
        if (isResumed && !death.resumedAfter.has(id)) death.resumedAfter.set(id, (now - death.at) / 1000)
      }
    }
  }
  const answer = async (): Promise<void> => {
    const asked = await ground.rows<{ subject: string }>(
      `select distinct subject from approvals join workflow_executions on id = run_id where approvals.state = 'waiting'`,
    )
    for (const { subject } of asked) {
      // What was said before it was asked does not count: said again, with patience.
      if (Date.now() - (answeredAt.get(subject) ?? 0) < sayAgainMs) continue
      answeredAt.set(subject, Date.now())
      const issue = numberOf(subject)
      await deliver('approve', issue, (guid) => ground.repository.comment(issue, '/ai approve', ground.alice, { guid }))
    }
  }
  const letGo = async (): Promise<void> => {
    const waiting = await ground.rows<{ subject: string }>(
      `select subject from step_executions as step join workflow_executions on id = run_id
       where address = 'answers/go' and step.state = 'running'`,
    )
    for (const { subject } of waiting) {
      const issue = numberOf(subject)
      if (went.has(issue)) continue
      went.add(issue)
      await deliver('go', issue, (guid) => ground.repository.label(issue, 'go', ground.alice, { guid }))
    }
  }
  /** Once for each run: whoever is acknowledged has no reason to say it again. */
  const order = async (command: 'retry' | 'stop', kind: Kind, when: string): Promise<void> => {
    const found = await ground.rows<{ id: string; subject: string }>(
      `select id, subject from workflow_executions where workflow = '${kind}' and ${when}`,
    )
    for (const { id, subject } of found) {
      const issue = numberOf(subject)
      if (told.has(issue)) continue
      told.add(issue)
      // Now its command does what it is for: by itself it fails, however often a worker dies under it.
      if (command === 'retry') await writeFile(join(ground.records, `again-${id}`), '')
      const say = (guid: string) => ground.repository.comment(issue, `/ai ${command}`, ground.alice, { guid })
      await deliver(command, issue, say)
    }
  }
  const tending = (async () => {
    while (!over) {
      await look()
      await answer()
      await letGo()
      await order('retry', 'corrected', `state = 'failed'`)
      await order('stop', 'halted', `exists (select from step_executions where run_id = id and address = 'long')`)
      await sleep(100)
    }
  })().catch((error: unknown) => {
    if (!over) trouble = error
  })

  return {
    issues,
    acknowledged,
    live: () => {
      if (trouble !== null) throw trouble
      return issues.size - runs.filter(isOver).length
    },
    start,
    died: (pid) => {
      const held = runs.filter((run) => run.state === 'running' && run.lease_owner?.split(':').at(-2) === String(pid))
      const death: Death = {
        pid,
        at: Date.now(),
        held: new Map(held.map((run) => [run.id, run.epoch])),
        resumedAfter: new Map(),
      }
      deaths.push(death)
      return death
    },
    ended: async (mostSeconds) => {
      const latest = Date.now() + mostSeconds * 1000
      while (Date.now() < latest) {
        if (trouble !== null) throw trouble
        await look()
        if (runs.length === issues.size && runs.every((run) => isOver(run) && !run.untold)) return true
        await sleep(100)
      }
      return false
    },
    stop: async () => {
      over = true
      await tending
    },
  }
}

const sayAgainMs = 3_000
/** A provider gives up in the end; here somebody always comes back before. */
const mostDeliveringMs = 120_000

const numberOf = (subject: string): number => Number(subject.split('/')[1])

/** The kind of run that comes to the most places; each of them in its turn. */
export const kindsInTurn = (from: number): Kind => kinds[from % kinds.length] as Kind
