import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase } from '../../test/databases.ts'
import { operatorAt, runThatAsks } from '../../test/operator-at.ts'
import { insertTestRun, stepImage } from '../../test/rows.ts'
import { getApproval } from '../store/approvals.ts'
import type { Database } from '../store/database.ts'
import { finishRun } from '../store/finish-run.ts'
import { getRun } from '../store/runs.ts'
import { addSignals } from '../store/signals.ts'
import { writeSteps } from '../store/write-steps.ts'
import type { LogLine } from './log-lines.ts'
import type { StepNode } from './step-tree.ts'
import type { Operator } from './verbs.ts'

describeOnEachDatabase('an operator', (open) => {
  let database: Database
  let operator: Operator
  let at: Awaited<ReturnType<typeof operatorAt>>
  beforeAll(async () => {
    database = await open()
    at = await operatorAt(database)
    operator = at.operator
  })
  afterAll(() => at?.close())

  const start = (inputs: Record<string, string>, more: { issue?: number; change?: number } = {}) =>
    operator.ask('start-run', { workflow: 'greet', repository: 'acme/shop', inputs, ...more })
  const actionsOf = async (runId: string) =>
    (await database.db.selectFrom('audit_log').selectAll().where('run_id', '=', runId).orderBy('seq').execute()).map(
      ({ actor, action }) => `${actor} ${action}`,
    )

  it('starts a run that is about nothing, with its inputs, its caps, what it waits for and its job', async () => {
    const { run: id, joined } = await start({ whom: 'bob', times: '3', words: '["a"]' })
    expect(joined).toBe(false)
    const run = await getRun(database.db, id)
    expect(run).toMatchObject({
      state: 'queued',
      subject: `request/${id}`,
      costCap: 5_000_000,
      actor: { login: 'operator:alice', isBot: false },
      event: { name: 'api.requested', provider: 'operator', fields: { whom: 'bob', times: '3', words: '["a"]' } },
    })
    const row = await database.db
      .selectFrom('workflow_executions')
      .select('waits_for')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    expect(row.waits_for).toEqual(['checks.completed'])
    expect(await at.jobs('acknowledge')).toContainEqual({ runId: id })
    expect(await actionsOf(id)).toEqual(['operator:alice run.asked'])
    // Twice is two: nothing says that it is the same.
    expect((await start({ whom: 'bob' })).run).not.toBe(id)
  })

  it('joins the live run of the same subject, if it asks for the same', async () => {
    const { run: id } = await start({ whom: 'bob' }, { issue: 77 })
    await expect(start({ whom: 'bob' }, { issue: 77 })).rejects.toMatchObject({ code: 'conflict' })
    await database.db
      .updateTable('workflow_executions')
      .set({ acknowledged_at: new Date() })
      .where('id', '=', id)
      .execute()
    expect(await start({ whom: 'bob' }, { issue: 77 })).toEqual({ run: id, workflow: 'greet', joined: true })
    await expect(start({ whom: 'eve' }, { issue: 77 })).rejects.toMatchObject({
      code: 'conflict',
      message: `The run ${id} is at work on the same subject, with other inputs.`,
    })
    expect(await actionsOf(id)).toEqual(['operator:alice run.asked', 'operator:alice run.asked_again'])
    expect((await start({ whom: 'bob' }, { change: 77 })).joined).toBe(false)
  })

  it.each([
    [{ workflow: 'gret' }, /no workflow "gret"\. Did you mean `greet`\?/],
    [{ inputs: { whm: 'bob' } }, /greet has no input "whm"\. Did you mean `whom`\?/],
    [{ inputs: {} }, /greet needs whom \(Who is greeted\)/],
    [{ inputs: { whom: 'bob', times: 'often' } }, /"times" has to be a number, not "often"/],
    [{ inputs: { whom: 'bob', words: '{}' } }, /"words" has to be a JSON list/],
    [{ repository: 'acme' }, /"acme" is no repository/],
    [{ issue: 1, change: 2 }, /not about both/],
    [{ issue: 1.5 }, /cannot be asked so/],
  ])('refuses to start %j', async (wish, sentence) => {
    const given = { workflow: 'greet', repository: 'acme/shop', inputs: { whom: 'bob' } }
    await expect(operator.ask('start-run', { ...given, ...wish })).rejects.toThrow(sentence)
  })

  it('finds a run by the beginning of its id, and says which it could be', async () => {
    const { run: id } = await start({ whom: 'bob' })
    expect((await operator.ask('show-run', { run: id.slice('run_'.length) })).run.id).toBe(id)
    await start({ whom: 'bob' })
    await expect(operator.ask('show-run', { run: 'run_0' })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(/^"run_0" is the beginning of several runs: run_\w+, /),
    })
    await expect(operator.ask('show-run', { run: 'run_zzz' })).rejects.toMatchObject({ code: 'not_found' })
    await expect(operator.ask('show-run', { run: '%' })).rejects.toMatchObject({ code: 'not_found' })
  })

  it('shows a run as a tree, with what is asked; and lists live runs first', async () => {
    const { runId } = await runThatAsks(database, ['each[1]/ask'])
    const view = await operator.ask('show-run', { run: runId })
    const outline = (steps: StepNode[]): unknown[] =>
      steps.map(({ label, state, steps }) => [label, state, outline(steps)])
    expect(outline(view.steps)).toEqual([
      ['read', 'done', []],
      [
        'each',
        'running',
        [
          [
            '2.',
            'place',
            [
              ['fix', 'running', []],
              ['ask', 'running', []],
            ],
          ],
        ],
      ],
    ])
    expect(view.approvals).toMatchObject([{ address: 'each[1]/ask', shown: { plan: 'of each[1]/ask' }, asked: 1 }])
    expect(JSON.parse(JSON.stringify(view))).toEqual(view)

    await database.db.transaction().execute((tx) => finishRun(tx, runId, 'failed', null))
    const { runs } = await operator.ask('list-runs', { limit: 500 })
    const states = runs.map(({ state }) => state)
    expect(states.indexOf('failed')).toBeGreaterThan(states.lastIndexOf('queued'))
    expect((await operator.ask('list-runs', { state: 'failed' })).runs.map(({ id }) => id)).toContain(runId)
  })

  it('says yes or no to what is asked, once, by name where several are', async () => {
    const { runId } = await runThatAsks(database, ['plan', 'release'])
    const yes = { run: runId, verdict: 'approved' as const, comment: 'good' }
    await expect(operator.ask('answer', yes)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('plan, release'),
    })
    await expect(operator.ask('answer', { ...yes, step: 'other' })).rejects.toMatchObject({ code: 'not_found' })
    await expect(operator.ask('answer', { ...yes, step: 'plan', shownHash: 'old' })).rejects.toMatchObject({
      code: 'conflict',
    })
    const answered = await operator.ask('answer', { ...yes, step: 'plan' })
    expect(answered.approval).toMatchObject({ address: 'plan', shown: { plan: 'of plan' } })
    expect(await getApproval(database.db, runId, 'plan')).toMatchObject({
      state: 'approved',
      decidedBy: 'operator:alice',
      comment: 'good',
    })
    expect(await at.jobs('advance-run')).toContainEqual({ runId })
    // One is left, and needs no name.
    await operator.ask('answer', { run: runId, verdict: 'rejected' })
    expect(await getApproval(database.db, runId, 'release')).toMatchObject({ state: 'rejected' })
    expect(await actionsOf(runId)).toEqual(['operator:alice approval.approved', 'operator:alice approval.rejected'])
    await expect(operator.ask('answer', yes)).rejects.toThrow(/Nothing in the run .* waits for approval/)
  })

  it('stops a live run, and says of an ended one that it has ended', async () => {
    const { runId } = await runThatAsks(database, [])
    expect(await operator.ask('stop-run', { run: runId })).toEqual({ run: runId })
    expect(await getRun(database.db, runId)).toMatchObject({ stopRequestedBy: 'operator:alice', wakeAt: null })
    expect(await at.jobs('advance-run')).toContainEqual({ runId })
    expect(await actionsOf(runId)).toEqual(['operator:alice run.stop_requested'])
    await database.db.transaction().execute((tx) => finishRun(tx, runId, 'stopped', null))
    await expect(operator.ask('stop-run', { run: runId })).rejects.toThrow(/has ended already \(stopped\)/)
  })

  it('tells what happened in order, and after a cursor only what is new', async () => {
    const { runId } = await runThatAsks(database, ['plan'])
    const first = await operator.ask('read-logs', { run: runId })
    expect(first.lines.map(({ about, address, text }) => `${about} ${address} ${text.replace(/ · .*/, '')}`)).toEqual([
      expect.stringMatching(/^run null asked for by octocat/),
      'step read begun',
      'step read done',
      'step each begun',
      'step each[1]/fix begun',
      'step plan begun',
      'approval plan asked',
    ])
    const nothing = await operator.ask('read-logs', { run: runId, after: first.cursor })
    expect(nothing.lines).toEqual([])
    await operator.ask('answer', { run: runId, verdict: 'approved', comment: 'go' })
    await database.db.transaction().execute((tx) =>
      addSignals(tx, [
        {
          runId,
          delivery: null,
          event: { name: 'checks.completed', actor: { login: 'ci', id: '9', isBot: true } } as never,
        },
      ]),
    )
    const more = await operator.ask('read-logs', { run: runId, after: nothing.cursor })
    expect(more.lines.map(({ text }) => text)).toEqual(['approved by operator:alice: go', 'checks.completed by ci'])
    await expect(operator.ask('read-logs', { run: runId, after: 'nonsense' })).rejects.toMatchObject({
      code: 'invalid_input',
    })
  })

  it('tells each try of a step with how it failed, once, also of those that nobody looked at while they were', async () => {
    const claim = await insertTestRun(database.db)
    const run = claim.runId
    const failed = (attempts: number) =>
      writeSteps(database.db, claim, [
        stepImage({
          address: 'build',
          state: 'failed',
          attempts,
          failure: { code: 'timeout', message: `no ${attempts}` },
        }),
      ])
    const running = (attempts: number) =>
      writeSteps(database.db, claim, [stepImage({ address: 'build', state: 'running', attempts })])
    const textsOf = (lines: LogLine[]) =>
      lines.filter(({ about }) => about === 'step').map(({ text }) => text.replace(/ \d+\.\ds/, ''))
    await running(1)
    await failed(1)
    const first = await operator.ask('read-logs', { run })
    expect(textsOf(first.lines)).toEqual(['begun', 'failed · · timeout: no 1'])
    await running(2)
    await failed(2)
    await running(3)
    const more = await operator.ask('read-logs', { run, after: first.cursor })
    expect(textsOf(more.lines)).toEqual(['attempt 2', 'failed · · timeout: no 2', 'attempt 3'])
    const whole = await operator.ask('read-logs', { run })
    expect(textsOf(whole.lines)).toEqual([...textsOf(first.lines), ...textsOf(more.lines)])
    const { steps } = await operator.ask('show-run', { run })
    const tried = steps.find(({ address }) => address === 'build')?.failedAttempts
    expect(tried).toMatchObject([
      { attempt: 1, code: 'timeout', message: 'no 1' },
      { attempt: 2, code: 'timeout', message: 'no 2' },
    ])
    expect(tried?.map(({ at }) => new Date(at).toISOString())).toEqual(tried?.map(({ at }) => at))
  })

  it('follows a run to its end: every line once, and then no more', async () => {
    const { runId } = await runThatAsks(database, ['plan'])
    const told: string[] = []
    for await (const { lines, state } of operator.follow('read-logs', { run: runId })) {
      told.push(...lines.map(({ id }) => id))
      if (state !== 'parked') continue
      await operator.ask('answer', { run: runId, verdict: 'approved' }).catch(() => undefined)
      await database.db.transaction().execute((tx) => finishRun(tx, runId, 'done', null))
    }
    expect(new Set(told).size).toBe(told.length)
    expect(told).toEqual(expect.arrayContaining(['run:asked', 'approval:plan:1', 'approval:plan:1:approved']))
    await expect(
      (async () => {
        for await (const _ of operator.follow('stop-run', { run: runId })) throw new Error('it gave something')
      })(),
    ).rejects.toMatchObject({ code: 'invalid_input' })
  })
})
