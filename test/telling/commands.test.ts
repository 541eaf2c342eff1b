import { sql } from 'kysely'
import { beforeAll, beforeEach, expect, it } from 'vitest'
import { JourneymanError } from '../../src/domain/errors.ts'
import { getApproval } from '../../src/store/approvals.ts'
import { verifyAudit } from '../../src/store/audit.ts'
import { takeReportLease } from '../../src/store/reporting.ts'
import { describeOnEachDatabase, type TestDatabase } from '../databases.ts'
import { type Commands, openCommands } from './commands.fixture.ts'

describeOnEachDatabase('commands', (open) => {
  let database: TestDatabase
  let at: Commands
  beforeAll(async () => {
    database = await open()
  })
  beforeEach(async () => {
    at = await openCommands(database)
  })

  it('a yes is written down, wakes its run and gives its job and its audit in one transaction, with a thumb', async () => {
    const id = await at.run()
    await at.ask(id)
    const { event, obey, id: delivery } = await at.comment('approve looks good to me')
    await obey()
    await at.giveAnswers()
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
    expect(at.jobs).toEqual([
      ['advance-run', { runId: id }],
      ['report', { runId: id }],
    ])
    const audit = await database.db.selectFrom('audit_log').selectAll().where('delivery', '=', delivery).execute()
    expect(audit).toMatchObject([{ actor: 'github:octocat', action: 'approval.approved', run_id: id }])
    expect(await verifyAudit(database.db)).toMatchObject({ ok: true })
    expect([...at.tracker.reactions]).toEqual([`1/${event.fields['comment_id']}:+1`])
    expect(at.bodies()).toEqual([])
  })

  it('a no has its reason, and the answer is given once however often the job is done', async () => {
    const id = await at.run()
    await at.ask(id)
    const { obey } = await at.comment('reject too dear')
    const busy = await takeReportLease(database.db, id, 5)
    expect(busy).not.toBe('busy')
    await obey()
    await at.giveAnswers()
    expect(at.tracker.reactions.size).toBe(0)
    await at.free(id)
    await obey()
    await at.giveAnswers()
    await at.giveAnswers()
    expect(await getApproval(database.db, id, 'plan_approval')).toMatchObject({
      state: 'rejected',
      comment: 'too dear',
    })
    expect(at.jobs).toHaveLength(2)
    expect(at.bodies()).toEqual([])
    expect(at.tracker.reactions.size).toBe(1)
  })

  it('a yes that was voided and given again since is no second answer when its job is done again', async () => {
    const id = await at.run()
    await at.ask(id)
    const first = await at.comment('approve')
    await first.obey()
    const askedAgain = { state: 'waiting' as const, shown_hash: 'h2', asked: 2, requested_at: sql<Date>`now()` }
    await database.db.updateTable('approvals').set(askedAgain).where('run_id', '=', id).execute()
    await at.say('approve now it is right')
    await first.obey()
    await at.giveAnswers()
    expect(await getApproval(database.db, id, 'plan_approval')).toMatchObject({ comment: 'now it is right' })
    expect(at.bodies()).toEqual([])
    expect(at.tracker.reactions.size).toBe(2)
  })

  it('whoever may not is told so, though it is answered by the time at which the run can be told of', async () => {
    const id = await at.run()
    await at.ask(id)
    await takeReportLease(database.db, id, 5)
    await at.say('approve', 'bob')
    expect(at.bodies()).toEqual([])
    await at.say('approve')
    await at.free(id)
    await at.giveAnswers()
    expect(at.bodies()).toEqual([expect.stringContaining('Thank you, bob.')])
    expect(at.tracker.reactions.size).toBe(1)
  })

  it('answers all that this person may answer, or the one that is named; a name that is none answers nothing', async () => {
    const id = await at.run()
    await at.ask(id, 'plan_approval')
    await at.ask(id, 'choose:then/deploy', { approvers: '["role:admin"]' })
    await at.ask(id, 'each[2]/agree')
    await at.say('approve agre')
    expect(at.bodies()[0]).toContain('Nothing of the name `agre` waits. What waits for an answer: ')
    expect(at.bodies()[0]).toContain('`deploy`')
    await at.say('approve agree')
    expect(await Promise.all([at.stateOf(id), at.stateOf(id, 'each[2]/agree')])).toEqual(['waiting', 'approved'])
    await at.say('approve')
    expect(await Promise.all([at.stateOf(id), at.stateOf(id, 'choose:then/deploy')])).toEqual(['approved', 'waiting'])
    expect(at.bodies()).toHaveLength(1)
  })

  it('reaches the run from the change that it has opened', async () => {
    const id = await at.run({ links: JSON.stringify({ change: { number: 9 } }) })
    await at.ask(id)
    await at.say('approve', 'octocat', { subject: { kind: 'change', key: '9', url: '' } })
    expect(await at.stateOf(id)).toBe('approved')
  })

  it('whoever may not gets one polite answer per run, and strangers one together', async () => {
    const id = await at.run()
    await at.ask(id)
    for (const by of ['bob', 'bob', 'carol', 'carol'] as const) await at.say('approve', by)
    expect(await at.stateOf(id)).toBe('waiting')
    expect(at.bodies()).toEqual([
      expect.stringContaining('Thank you, bob. `plan_approval` is for others to answer: `role:write`.'),
      expect.stringContaining('Thank you, Carol.'),
    ])
    expect(at.jobs).toEqual([])
  })

  it('a bot never decides, and is never answered', async () => {
    const id = await at.run()
    await at.ask(id, 'plan_approval', { approvers: '["robot[bot]", "role:read"]' })
    for (const words of ['approve', 'reject no', 'help', 'status', 'retry', 'nonsense']) await at.say(words, 'robot')
    expect(await at.stateOf(id)).toBe('waiting')
    expect([at.bodies(), at.retried]).toEqual([[], []])
  })

  it('named people and teams may without write access, by number where one is given; a closed team is said to be', async () => {
    const id = await at.run()
    await at.ask(id, 'a', { approvers: '["BOB#2"]' })
    await at.ask(id, 'b', { approvers: '["bob#99"]' })
    await at.ask(id, 'c', { approvers: '["team:acme/leads"]' })
    at.host.teams.set('acme/leads', ['Carol'])
    await at.say('approve', 'bob')
    await at.say('approve', 'carol')
    expect(await Promise.all(['a', 'b', 'c'].map((one) => at.stateOf(id, one)))).toEqual([
      'approved',
      'waiting',
      'approved',
    ])
    at.host.teams.set('acme/leads', null)
    await at.ask(id, 'd', { approvers: '["team:acme/leads"]' })
    await at.say('approve d', 'carol')
    expect(await at.stateOf(id, 'd')).toBe('waiting')
    expect(at.bodies().at(-1)).toContain(
      'I could not look into the team `acme/leads`: the app needs the organization permission',
    )
  })

  it('who asked may answer, unless the approvers leave them out', async () => {
    const id = await at.run()
    await at.ask(id, 'open')
    await at.ask(id, 'strict', { approvers: '["role:write", "not:asker"]' })
    await at.say('approve')
    expect([await at.stateOf(id, 'open'), await at.stateOf(id, 'strict')]).toEqual(['approved', 'waiting'])
  })

  it('what was asked after the comment was written is not answered by it', async () => {
    const id = await at.run()
    const { obey } = await at.comment('approve')
    await at.ask(id, 'plan_approval', { requested_at: sql`now() + interval '1 second'` })
    await obey()
    await at.giveAnswers()
    expect(await at.stateOf(id)).toBe('waiting')
    expect(at.bodies()).toEqual([expect.stringContaining('It was asked again since')])
  })

  it('nor is what was asked again by a comment that comes late', async () => {
    const id = await at.run()
    await at.ask(id, 'plan_approval', { asked: 2, requested_at: sql`now() - interval '1 minute'` })
    const late = await at.comment('approve')
    late.event.fields['said_at'] = new Date(Date.now() - 3_600_000).toISOString()
    await late.obey()
    expect(await at.stateOf(id)).toBe('waiting')
    const timely = await at.comment('approve')
    timely.event.fields['said_at'] = new Date().toISOString()
    await timely.obey()
    expect(await at.stateOf(id)).toBe('approved')
  })

  it('nor what has expired', async () => {
    const id = await at.run()
    await at.ask(id, 'plan_approval', { expires_at: sql`now() - interval '1 second'` })
    await at.say('approve')
    expect(await at.stateOf(id)).toBe('waiting')
    expect(at.bodies()).toEqual([expect.stringContaining('Nothing waits for an answer here.')])
  })

  it('the list is given once for a comment, to people who may do something with it', async () => {
    const { obey } = await at.comment('dance @octocat')
    await obey()
    await obey()
    await at.giveAnswers()
    expect(at.bodies()).toHaveLength(1)
    expect(at.bodies()[0]).toMatch(/^I do not know `\/ai dance`\. [\s\S]*- `\/ai run`: [\s\S]*- `\/ai approve`: /)
    await at.say('help')
    expect(at.bodies()[1]).toMatch(/^- `\/ai run`/)
    await at.say('dance', 'bob')
    await at.say('help', 'carol')
    expect(at.bodies()).toHaveLength(2)
  })

  it('the status is a line for each run, or the newest that has ended', async () => {
    await at.say('status')
    expect(at.bodies()[0]).toContain('There has been no run here yet.')
    await at.run({ links: JSON.stringify({ commentUrl: 'https://tasks.test/1#5' }) })
    await at.say('status')
    expect(at.bodies()[1]).toContain('- **Waiting for another run of the same to end** · ')
    expect(at.bodies()[1]).toContain('[its comment](https://tasks.test/1#5)')
  })

  it('a retry goes to the newest run, and says why where it cannot be', async () => {
    await at.say('retry')
    expect(at.bodies()[0]).toContain('No run here could be tried again.')
    const id = await at.run({ state: 'failed' })
    await at.say('retry generate_code')
    expect(at.retried).toEqual([[id, 'generate_code']])
    const refusing = await at.comment('retry')
    await refusing.obey({
      retry: async () => {
        throw new JourneymanError('conflict', 'Undone already.', { nextAction: 'Start a new one.' })
      },
    })
    await at.giveAnswers()
    expect(at.bodies()[1]).toContain('Undone already. Start a new one.')
    await sql`update workflow_executions set state = 'running' where id = ${id}`.execute(database.db)
    await at.say('retry')
    expect(at.bodies()[2]).toContain('The run here is under way.')
  })

  it('a stop reaches every live run here, with the delivery in its audit', async () => {
    const ids = [await at.run(), await at.run()].sort()
    const { obey, id: delivery } = await at.comment('stop')
    await obey()
    expect(at.jobs.map(([, { runId }]) => runId)).toEqual(ids)
    const audit = await database.db.selectFrom('audit_log').select('run_id').where('delivery', '=', delivery).execute()
    expect(audit.map((row) => row.run_id)).toEqual(ids)
    await at.say('stop', 'bob')
    expect(at.jobs).toHaveLength(2)
  })
})
