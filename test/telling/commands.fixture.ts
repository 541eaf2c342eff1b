import { sql } from 'kysely'
import type { Event } from '../../src/domain/event.ts'
import type { ObeyParts } from '../../src/inbox/given-command.ts'
import { createObeyCommand } from '../../src/inbox/obey-command.ts'
import type { JobData, Lane, Queue } from '../../src/queue/contract.ts'
import { createTell } from '../../src/queue/jobs/tell.ts'
import { createAnswers } from '../../src/report/answer.ts'
import { getApproval } from '../../src/store/approvals.ts'
import type { TestDatabase } from '../databases.ts'
import { memoryTasks } from '../fakes/memory-tasks.ts'
import { memoryHost } from '../fakes/memory-version-control.ts'
import { reporterParts } from '../fakes/reporter-parts.ts'
import { insertTestRun } from '../rows.ts'

const people = {
  octocat: { login: 'octocat', id: '1', isBot: false },
  bob: { login: 'bob', id: '2', isBot: false },
  carol: { login: 'Carol', id: '3', isBot: false },
  robot: { login: 'robot[bot]', id: '4', isBot: true },
} as const

let made = 0

/** One issue, people with their permissions, and commands that are given there; for one test. */
export const openCommands = async (database: TestDatabase) => {
  await sql`update workflow_executions set state = 'done', subject = 'issue/0', links = '{}'`.execute(database.db)
  const host = memoryHost()
  host.permissions.set('octocat', { id: '1', permission: 'write' })
  host.permissions.set('bob', { id: '2', permission: 'read' })
  host.permissions.set('Carol', { id: '3', permission: 'triage' })
  host.permissions.set('robot[bot]', { id: '4', permission: 'admin' })
  const tracker = memoryTasks()
  const ref = { repository: 'acme/shop', installation: null }
  await tracker.plugin.createTask(ref, { title: 'T', description: 'Please.', labels: ['ai'] })
  /** Of runs. */
  const jobs: [string, JobData][] = []
  /** What was found to be said, and is not said yet. */
  const answers: JobData[] = []
  const retried: [string, string | null][] = []
  const queue = {
    enqueue: async (lane: string, data: JobData) =>
      void (data.answer === undefined ? jobs.push([lane, data]) : answers.push(data)),
    enqueueAll: async (lane: string, all: JobData[]) => {
      for (const data of all) await queue.enqueue(lane as Lane, data)
    },
  } as unknown as Queue

  const run = async (columns: Record<string, unknown> = {}): Promise<string> => {
    const { runId } = await insertTestRun(database.db)
    const values = { state: 'parked' as const, lease_owner: null, wake_at: new Date(Date.now() + 1e9), ...columns }
    await database.db.updateTable('workflow_executions').set(values).where('id', '=', runId).execute()
    return runId
  }
  const ask = async (runId: string, address = 'plan_approval', columns: Record<string, unknown> = {}) => {
    const values = {
      run_id: runId,
      address,
      shown_hash: 'h',
      shown: '"x"',
      approvers: '["role:write"]',
      state: 'waiting' as const,
    }
    await database.db
      .insertInto('approvals')
      .values({ ...values, ...columns } as never)
      .execute()
  }
  const reporting = () => reporterParts(database, { host, tracker })
  const partsWith = (parts: Partial<ObeyParts>): ObeyParts => ({
    database,
    queue,
    versionControl: host.plugin,
    answers: createAnswers(reporting()),
    starting: () => ['run'],
    retry: async (id, from, _by, alongside) => {
      await database.db.transaction().execute(alongside)
      retried.push([id, from])
    },
    log: () => undefined,
    ...parts,
  })
  /** Works the jobs of all answers that there are now. */
  const giveAnswers = async () => {
    const verb = async () => 'gone'
    const work = createTell(queue, 'acknowledge', { verb, answer: createAnswers(reporting()).give })
    for (const job of answers.splice(0)) await work(job)
  }
  /** A comment as it stands in its row, with a way to have its job done, and done again. */
  const comment = async (words: string, by: keyof typeof people = 'octocat', columns: Partial<Event> = {}) => {
    const [command = '', ...rest] = words.split(' ')
    const id = `del-${++made}`
    const delivery = {
      id,
      provider: 'github',
      delivery_id: id,
      type: 't',
      body_hash: id,
      body: '',
      disposition: 'signalled' as const,
    }
    await database.db
      .insertInto('deliveries')
      .values({ ...delivery, reason: null })
      .execute()
    const event: Event = {
      name: 'command.given',
      provider: 'github',
      repository: 'acme/shop',
      repositoryUrl: null,
      installation: null,
      actor: people[by],
      subject: { kind: 'issue', key: '1', url: '' },
      revision: `comment ${made} command 0`,
      fields: { command, arguments: rest.join(' '), comment_id: String(made) },
      ...columns,
    }
    return { event, id, obey: (parts: Partial<ObeyParts> = {}) => createObeyCommand(partsWith(parts))(event, id) }
  }
  const say = async (...args: Parameters<typeof comment>) => {
    await (await comment(...args)).obey()
    await giveAnswers()
  }
  /** Nobody is telling of it any more. */
  const free = (id: string) =>
    database.db.updateTable('workflow_executions').set({ report_until: null }).where('id', '=', id).execute()
  const stateOf = async (id: string, address = 'plan_approval') => (await getApproval(database.db, id, address))?.state
  const bodies = () => tracker.comments.map(({ body }) => body)

  return { host, tracker, jobs, retried, run, ask, comment, say, giveAnswers, free, stateOf, bodies }
}

export type Commands = Awaited<ReturnType<typeof openCommands>>
