import { sql } from 'kysely'
import { beforeAll, beforeEach, expect, it } from 'vitest'
import { JourneymanError } from '../../src/domain/errors.ts'
import type { Event } from '../../src/domain/event.ts'
import type { ObeyParts } from '../../src/inbox/given-command.ts'
import { createObeyCommand } from '../../src/inbox/obey-command.ts'
import type { JobData, Lane, Queue } from '../../src/queue/contract.ts'
import { createTell } from '../../src/queue/jobs/tell.ts'
import { createAnswers } from '../../src/report/answer.ts'
import type { ReporterParts } from '../../src/report/reporter.ts'
import { getApproval } from '../../src/store/approvals.ts'
import { verifyAudit } from '../../src/store/audit.ts'
import { takeReportLease } from '../../src/store/reporting.ts'
import { createEffectLedger } from '../../src/workflow/effect-ledger.ts'
import { describeOnEachDatabase, type TestDatabase } from '../databases.ts'
import { type MemoryTasks, memoryTasks } from '../fakes/memory-tasks.ts'
import { type MemoryHost, memoryHost } from '../fakes/memory-version-control.ts'
import { insertTestRun } from '../rows.ts'

const people = {
  octocat: { login: 'octocat', id: '1', isBot: false },
  bob: { login: 'bob', id: '2', isBot: false },
  carol: { login: 'Carol', id: '3', isBot: false },
  robot: { login: 'robot[bot]', id: '4', isBot: true },
} as const

describeOnEachDatabase('commands', (open) => {
  let database: TestDatabase
  let host: MemoryHost
  let tracker: MemoryTasks
  /** Of runs. */
  let jobs: [string, JobData][]
  /** What was found to be said on behalf of a run, and is not said yet. */
  let answers: JobData[]
  let retried: [string, string | null][]
  let made = 0
  beforeAll(async () => {
    database = await open()
  })
  const queue = {
    enqueue: async (lane: string, data: JobData) =>
      void (data.answer === undefined ? jobs.push([lane, data]) : answers.push(data)),
    enqueueAll: async (lane: string, all: JobData[]) => {
      for (const data of all) await queue.enqueue(lane as Lane, data)
    },
  } as unknown as Queue

  beforeEach(async () => {
    await sql`update workflow_executions set state = 'done', subject = 'issue/0', links = '{}'`.execute(database.db)
    host = memoryHost()
    host.permissions.set('octocat', { id: '1', permission: 'write' })
    host.permissions.set('bob', { id: '2', permission: 'read' })
    host.permissions.set('Carol', { id: '3', permission: 'triage' })
    host.permissions.set('robot[bot]', { id: '4', permission: 'admin' })
    tracker = memoryTasks()
    const ref = { repository: 'acme/shop', installation: null }
    await tracker.plugin.createTask(ref, { title: 'T', description: 'Please.', labels: ['ai'] })
    jobs = []
    answers = []
    retried = []
  })

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
  const reporting = (): ReporterParts => ({
    database,
    owner: 'test',
    effects: createEffectLedger(database),
    taskManagement: tracker.plugin,
    versionControl: host.plugin,
    planOf: async () => [],
    costOf: async () => 0,
    runUrl: () => null,
    sandbox: () => ({ usable: true, kind: 'bubblewrap' }),
    withhold: (text) => text,
    everySeconds: () => 0,
    leaseSeconds: () => 5,
    log: () => undefined,
  })
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

  it('a yes is written down, wakes its run and gives its job and its audit in one transaction, with a thumb', async () => {
    const id = await run()
    await ask(id)
    const { obey, id: delivery } = await comment('approve looks good to me')
    await obey()
    await giveAnswers()
    expect(await getApproval(database.db, id, 'plan_approval')).toMatchObject({
      state: 'approved',
      decidedBy: 'octocat',
      comment: 'looks good to me',
    })
    const row = await database.db
      .selectFrom('workflow_executions')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    expect(row).toMatchObject({ wake_at: null, woken: true })
    expect(jobs).toEqual([
      ['advance-run', { runId: id }],
      ['report', { runId: id }],
    ])
    const audit = await database.db.selectFrom('audit_log').selectAll().where('delivery', '=', delivery).execute()
    expect(audit).toMatchObject([{ actor: 'github:octocat', action: 'approval.approved', run_id: id }])
    expect(await verifyAudit(database.db)).toMatchObject({ ok: true })
    expect([...tracker.reactions]).toEqual([`1/${made}:+1`])
    expect(bodies()).toEqual([])
  })

  it('a no has its reason, and the answer is given once however often the job is done', async () => {
    const id = await run()
    await ask(id)
    const { obey } = await comment('reject too dear')
    const busy = await takeReportLease(database.db, id, 5)
    expect(busy).not.toBe('busy')
    await obey()
    await giveAnswers()
    expect(tracker.reactions.size).toBe(0)
    await free(id)
    await obey()
    await giveAnswers()
    await giveAnswers()
    expect(await getApproval(database.db, id, 'plan_approval')).toMatchObject({
      state: 'rejected',
      comment: 'too dear',
    })
    expect(jobs).toHaveLength(2)
    expect(bodies()).toEqual([])
    expect(tracker.reactions.size).toBe(1)
  })

  it('a yes that was voided and given again since is no second answer when its job is done again', async () => {
    const id = await run()
    await ask(id)
    const first = await comment('approve')
    await first.obey()
    const askedAgain = { state: 'waiting' as const, shown_hash: 'h2', asked: 2, requested_at: sql<Date>`now()` }
    await database.db.updateTable('approvals').set(askedAgain).where('run_id', '=', id).execute()
    await say('approve now it is right')
    await first.obey()
    await giveAnswers()
    expect(await getApproval(database.db, id, 'plan_approval')).toMatchObject({ comment: 'now it is right' })
    expect(bodies()).toEqual([])
    expect(tracker.reactions.size).toBe(2)
  })

  it('whoever may not is told so, though it is answered by the time at which the run can be told of', async () => {
    const id = await run()
    await ask(id)
    await takeReportLease(database.db, id, 5)
    await say('approve', 'bob')
    expect(bodies()).toEqual([])
    await say('approve')
    await free(id)
    await giveAnswers()
    expect(bodies()).toEqual([expect.stringContaining('Thank you, bob.')])
    expect(tracker.reactions.size).toBe(1)
  })

  it('answers all that this person may answer, or the one that is named; a name that is none answers nothing', async () => {
    const id = await run()
    await ask(id, 'plan_approval')
    await ask(id, 'choose:then/deploy', { approvers: '["role:admin"]' })
    await ask(id, 'each[2]/agree')
    await say('approve agre')
    expect(bodies()[0]).toContain('Nothing of the name `agre` waits. What waits for an answer: ')
    expect(bodies()[0]).toContain('`deploy`')
    await say('approve agree')
    expect(await Promise.all([stateOf(id), stateOf(id, 'each[2]/agree')])).toEqual(['waiting', 'approved'])
    await say('approve')
    expect(await Promise.all([stateOf(id), stateOf(id, 'choose:then/deploy')])).toEqual(['approved', 'waiting'])
    expect(bodies()).toHaveLength(1)
  })

  it('reaches the run from the change that it has opened', async () => {
    const id = await run({ links: JSON.stringify({ change: { number: 9 } }) })
    await ask(id)
    await say('approve', 'octocat', { subject: { kind: 'change', key: '9', url: '' } })
    expect(await stateOf(id)).toBe('approved')
  })

  it('whoever may not gets one polite answer per run, and strangers one together', async () => {
    const id = await run()
    await ask(id)
    for (const by of ['bob', 'bob', 'carol', 'carol'] as const) await say('approve', by)
    expect(await stateOf(id)).toBe('waiting')
    expect(bodies()).toEqual([
      expect.stringContaining('Thank you, bob. `plan_approval` is for others to answer: `role:write`.'),
      expect.stringContaining('Thank you, Carol.'),
    ])
    expect(jobs).toEqual([])
  })

  it('a bot never decides, and is never answered', async () => {
    const id = await run()
    await ask(id, 'plan_approval', { approvers: '["robot[bot]", "role:read"]' })
    for (const words of ['approve', 'reject no', 'help', 'status', 'retry', 'nonsense']) await say(words, 'robot')
    expect(await stateOf(id)).toBe('waiting')
    expect([bodies(), retried]).toEqual([[], []])
  })

  it('named people and teams may without write access, by number where one is given; a closed team is said to be', async () => {
    const id = await run()
    await ask(id, 'a', { approvers: '["BOB#2"]' })
    await ask(id, 'b', { approvers: '["bob#99"]' })
    await ask(id, 'c', { approvers: '["team:acme/leads"]' })
    host.teams.set('acme/leads', ['Carol'])
    await say('approve', 'bob')
    await say('approve', 'carol')
    expect(await Promise.all(['a', 'b', 'c'].map((one) => stateOf(id, one)))).toEqual([
      'approved',
      'waiting',
      'approved',
    ])
    host.teams.set('acme/leads', null)
    await ask(id, 'd', { approvers: '["team:acme/leads"]' })
    await say('approve d', 'carol')
    expect(await stateOf(id, 'd')).toBe('waiting')
    expect(bodies().at(-1)).toContain(
      'I could not look into the team `acme/leads`: the app needs the organization permission',
    )
  })

  it('who asked may answer, unless the approvers leave them out', async () => {
    const id = await run()
    await ask(id, 'open')
    await ask(id, 'strict', { approvers: '["role:write", "not:asker"]' })
    await say('approve')
    expect([await stateOf(id, 'open'), await stateOf(id, 'strict')]).toEqual(['approved', 'waiting'])
  })

  it('what was asked after the comment was written is not answered by it', async () => {
    const id = await run()
    const { obey } = await comment('approve')
    await ask(id, 'plan_approval', { requested_at: sql`now() + interval '1 second'` })
    await obey()
    expect(await stateOf(id)).toBe('waiting')
    expect(bodies()).toEqual([expect.stringContaining('It was asked again since')])
  })

  it('nor is what was asked again by a comment that comes late', async () => {
    const id = await run()
    await ask(id, 'plan_approval', { asked: 2, requested_at: sql`now() - interval '1 minute'` })
    const late = await comment('approve')
    late.event.fields['said_at'] = new Date(Date.now() - 3_600_000).toISOString()
    await late.obey()
    expect(await stateOf(id)).toBe('waiting')
    const timely = await comment('approve')
    timely.event.fields['said_at'] = new Date().toISOString()
    await timely.obey()
    expect(await stateOf(id)).toBe('approved')
  })

  it('nor what has expired', async () => {
    const id = await run()
    await ask(id, 'plan_approval', { expires_at: sql`now() - interval '1 second'` })
    await say('approve')
    expect(await stateOf(id)).toBe('waiting')
    expect(bodies()).toEqual([expect.stringContaining('Nothing waits for an answer here.')])
  })

  it('the list is given once for a comment, to people who may do something with it', async () => {
    const { obey } = await comment('dance @octocat')
    await obey()
    await obey()
    expect(bodies()).toHaveLength(1)
    expect(bodies()[0]).toMatch(/^I do not know `\/ai dance`\. [\s\S]*- `\/ai run`: [\s\S]*- `\/ai approve`: /)
    await say('help')
    expect(bodies()[1]).toMatch(/^- `\/ai run`/)
    await say('dance', 'bob')
    await say('help', 'carol')
    expect(bodies()).toHaveLength(2)
  })

  it('the status is a line for each run, or the newest that has ended', async () => {
    await say('status')
    expect(bodies()[0]).toContain('There has been no run here yet.')
    await run({ links: JSON.stringify({ commentUrl: 'https://tasks.test/1#5' }) })
    await say('status')
    expect(bodies()[1]).toContain('- **Waiting for another run of the same to end** · ')
    expect(bodies()[1]).toContain('[its comment](https://tasks.test/1#5)')
  })

  it('a retry goes to the newest run, and says why where it cannot be', async () => {
    await say('retry')
    expect(bodies()[0]).toContain('No run here could be tried again.')
    const id = await run({ state: 'failed' })
    await say('retry generate_code')
    expect(retried).toEqual([[id, 'generate_code']])
    const refusing = await comment('retry')
    await refusing.obey({
      retry: async () => {
        throw new JourneymanError('conflict', 'Undone already.', { nextAction: 'Start a new one.' })
      },
    })
    expect(bodies()[1]).toContain('Undone already. Start a new one.')
    await sql`update workflow_executions set state = 'running' where id = ${id}`.execute(database.db)
    await say('retry')
    expect(bodies()[2]).toContain('The run here is under way.')
  })

  it('a retry and a stop whose jobs are done again do nothing to what came since', async () => {
    const id = await run({ state: 'failed' })
    const retry = await comment('retry')
    await retry.obey()
    await retry.obey()
    expect(retried).toEqual([[id, null]])
    await sql`update workflow_executions set state = 'parked' where id = ${id}`.execute(database.db)
    const stop = await comment('stop')
    await stop.obey()
    await sql`update workflow_executions set state = 'stopped' where id = ${id}`.execute(database.db)
    const later = await run()
    await stop.obey()
    expect(jobs.map(([, { runId }]) => runId)).not.toContain(later)
    await giveAnswers()
    expect([bodies(), tracker.reactions.size]).toEqual([[], 1])
  })

  it('a stop reaches every live run here, with the delivery in its audit', async () => {
    const ids = [await run(), await run()].sort()
    const { obey, id: delivery } = await comment('stop')
    await obey()
    expect(jobs.map(([, { runId }]) => runId)).toEqual(ids)
    const audit = await database.db.selectFrom('audit_log').select('run_id').where('delivery', '=', delivery).execute()
    expect(audit.map((row) => row.run_id)).toEqual(ids)
    await say('stop', 'bob')
    expect(jobs).toHaveLength(2)
  })
})
