import { sql } from 'kysely'
import { beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import type { MemoryCommand } from '../../test/fakes/memory-workspaces.ts'
import { JourneymanError } from '../domain/errors.ts'
import { verifyAudit } from '../store/audit.ts'
import {
  type EngineOptions,
  type EngineUnderTest,
  engineUnderTest,
  workflowOf,
} from '../workflow/engine/testing/engine-under-test.ts'
import type { OperateParts } from './contract.ts'
import { retryRun } from './retry-run.ts'

describeOnEachDatabase('a run that is tried again', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })

  /** A run by one worker to its end; `again` asks for the retry and has another worker go on with it. */
  const runOf = async (
    steps: string,
    rest = '',
    options: EngineOptions & { deadlineSeconds?: number; before?: (engine: EngineUnderTest) => void } = {},
  ) => {
    const { deadlineSeconds, before, ...given } = options
    const engine = await engineUnderTest(database, given)
    before?.(engine)
    const id = await engine.queueRun(workflowOf(steps, rest), deadlineSeconds === undefined ? {} : { deadlineSeconds })
    const enqueued: string[] = []
    const queue = { enqueue: async (lane: string) => void enqueued.push(lane) } as unknown as OperateParts['queue']
    const ask = (from?: string) =>
      retryRun.ask(
        { database, queue } as unknown as OperateParts,
        { run: id, ...(from !== undefined && { from }) },
        'operator:alice',
      )
    const again = async (from?: string) => {
      const asked = await ask(from)
      await engine.advance(id)
      return asked
    }
    await engine.advance(id)
    return { ...engine, id, ask, again, enqueued, ended: () => engine.run(id), rows: () => engine.steps(id) }
  }
  /** Counts how often each was run; `breaks` fails as often as it is told to. */
  const counted = (failures = 1) => {
    const runs: Record<string, number> = {}
    const count =
      (name: string, exitCode: () => number): MemoryCommand =>
      async (tree) => {
        runs[name] = (runs[name] ?? 0) + 1
        tree.set(name, String(runs[name]))
        return { exitCode: exitCode() }
      }
    const commands = {
      one: count('one', () => 0),
      two: count('two', () => 0),
      breaks: count('breaks', () => ((runs['breaks'] ?? 0) > failures ? 0 : 1)),
    }
    return { runs, commands }
  }
  const run = (name: string, more = '') => `\n  - { name: ${name}, type: run, command: ${name}${more} }`

  it('opens one pull request where the code host refused it once, and pays for no turn twice', async () => {
    const tried = await runOf(
      `
  - { name: begin, plugin: task_management, action: update_task_status, inputs: { status: in_progress } }
  - { name: code, type: ai_action, agent: development, prompt_template: prompts/do.njk, outputs: { pr_title: title } }
  - name: pr
    plugin: version_control
    action: create_pull_request
    inputs: { source_branch: ai/1, target_branch: main, title: "\${title}", description: Done }`,
      'post_execution: { always: [ { action: cleanup } ] }\n',
      {
        turns: [
          async (workspace) => void (await workspace.files.write('login', 'first')),
          async (workspace) => void (await workspace.files.write('login', 'second')),
        ],
        before: ({ host }) => {
          const { createChange } = host.plugin
          host.plugin.createChange = async () => {
            host.plugin.createChange = createChange
            throw new JourneymanError('invalid_input', 'The code host does not want it.')
          }
        },
      },
    )
    expect(await tried.ended()).toMatchObject({ state: 'failed', failure: { code: 'invalid_input' } })
    expect(tried.tracker.tasks.get('1')?.status).toBe('todo')
    expect(tried.host.changes).toEqual([])
    expect(await tried.again()).toMatchObject({ again: ['pr'] })
    expect(await tried.ended()).toMatchObject({ state: 'done', failure: null, links: { change: { number: 1 } } })
    expect(tried.host.changes).toHaveLength(1)
    expect(tried.paidTurns).toEqual(['code turn 0', 'code turn 1'])
    const effects = await database.db
      .selectFrom('effects')
      .select(['kind', 'state'])
      .where('run_id', '=', tried.id)
      .orderBy('intended_at')
      .execute()
    expect(effects).toEqual(['status', 'push', 'pull_request'].map((kind) => ({ kind, state: 'confirmed' })))
  })

  it('goes on where it ended: what is done is not done again', async () => {
    const { runs, commands } = counted()
    const tried = await runOf(`${run('one')}${run('breaks')}${run('two')}`, '', { commands })
    expect(await tried.ended()).toMatchObject({ state: 'failed', failure: { code: 'command_failed' } })
    expect(await tried.again()).toMatchObject({ again: ['breaks'] })
    expect(await tried.ended()).toMatchObject({ state: 'done', failure: null })
    expect(runs).toEqual({ one: 1, breaks: 2, two: 1 })
    expect((await tried.rows())['breaks']).toMatchObject({ state: 'done', attempts: 2 })
    // What the step that failed had written was taken back before it was tried again.
    expect([...(tried.workspaces.trees.get(tried.id)?.keys() ?? [])]).toEqual(['README.md', 'one', 'breaks', 'two'])
    expect(tried.enqueued).toEqual(['advance-run', 'report'])
    const entry = await database.db
      .selectFrom('audit_log')
      .selectAll()
      .where('run_id', '=', tried.id)
      .where('action', '=', 'run.retried')
      .executeTakeFirstOrThrow()
    expect(entry).toMatchObject({ actor: 'operator:alice', detail: { from: null, again: ['breaks'] } })
    expect(await verifyAudit(database.db)).toMatchObject({ ok: true })
  })

  it('goes back to a step, with the work tree as it was before it', async () => {
    const { runs, commands } = counted()
    const tried = await runOf(`${run('one')}${run('two')}${run('breaks')}`, '', { commands })
    expect(await tried.again('two')).toMatchObject({ again: [], forgotten: 2 })
    expect((await tried.ended()).state).toBe('done')
    expect(runs).toEqual({ one: 1, two: 2, breaks: 2 })
  })

  it('begins a conversation anew from the step on that it goes back to, and goes on with none that ended', async () => {
    const { commands } = counted()
    const tried = await runOf(
      `\n  - { name: code, type: ai_action, agent: development, prompt_template: prompts/do.njk }${run('breaks')}`,
      '',
      { commands, turns: [async (workspace) => void (await workspace.files.write('login', 'x'))] },
    )
    expect(tried.paidTurns).toEqual(['code turn 0'])
    await tried.again('code')
    expect((await tried.ended()).state).toBe('done')
    expect(tried.paidTurns).toEqual(['code turn 0', 'code turn 0'])
    const conversations = await database.db
      .selectFrom('agent_executions')
      .select(['attempt', 'state'])
      .where('run_id', '=', tried.id)
      .orderBy('attempt')
      .execute()
    expect(conversations).toEqual([
      { attempt: 1, state: 'failed' },
      { attempt: 2, state: 'done' },
    ])
  })

  it('tries of a parallel group what failed and what was ended because of it', async () => {
    const { runs, commands } = counted()
    const tried = await runOf(
      `
  - name: group
    type: parallel
    max_concurrency: 1
    steps:
      - { name: one, type: run, command: one }
      - { name: breaks, type: run, command: breaks }
      - { name: two, type: run, command: two }`,
      '',
      { commands },
    )
    expect((await tried.ended()).state).toBe('failed')
    expect((await tried.rows())['group/two']?.state).toBe('skipped')
    await tried.again()
    expect(await tried.ended()).toMatchObject({ state: 'done' })
    expect(runs).toEqual({ one: 1, breaks: 2, two: 1 })
  })

  it('runs at its new end what belongs there', async () => {
    const { commands } = counted()
    const tried = await runOf(
      run('breaks'),
      'post_execution: { on_success: [ { action: log_success } ], on_failure: [ { action: send_alert } ] }\n',
      { commands },
    )
    expect(Object.keys(await tried.rows())).toEqual(['@start', 'breaks', '@on_failure/send_alert'])
    await tried.again()
    expect(Object.keys(await tried.rows())).toEqual(['@start', 'breaks', '@on_success/log_success'])
  })

  it('has its time anew, and sees the same "now"', async () => {
    const tried = await runOf(run('hang'), '', {
      commands: { hang: async () => ({ exitCode: 1 }) },
      deadlineSeconds: 60,
    })
    await sql`update workflow_executions set started_at = started_at - interval '1 hour' where id = ${tried.id}`.execute(
      database.db,
    )
    const before = await tried.ended()
    await tried.again()
    const after = await tried.ended()
    // Not `limit_reached`: the hour is no part of what it may take.
    expect(after.failure?.code).toBe('command_failed')
    expect(after.startedAt).toEqual(before.startedAt)
  })

  it('goes on from where it was stopped', async () => {
    const { runs, commands } = counted(0)
    const stopping: { now?: () => Promise<unknown> } = {}
    const one: MemoryCommand = async (tree, request) => {
      if (stopping.now) {
        await stopping.now()
        await new Promise((resolve) => request.signal.addEventListener('abort', resolve, { once: true }))
        throw new JourneymanError('stopped', 'The command was stopped.')
      }
      return commands.one(tree, request)
    }
    const engine = await engineUnderTest(database, { commands: { ...commands, one } })
    const id = await engine.queueRun(workflowOf(`${run('two')}${run('one')}`))
    stopping.now = () => engine.stop(id)
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('stopped')
    delete stopping.now
    const queue = { enqueue: async () => undefined } as unknown as OperateParts['queue']
    await retryRun.ask({ database, queue } as unknown as OperateParts, { run: id }, 'operator:alice')
    await engine.advance(id)
    expect(await engine.run(id)).toMatchObject({ state: 'done', stopRequestedBy: null })
    expect(runs).toEqual({ two: 1, one: 1 })
  })

  it('leaves what failed inside something that was gone on from', async () => {
    const { runs, commands } = counted()
    const tried = await runOf(
      `
  - name: group
    type: parallel
    on_error: continue
    steps: [ { name: bad, type: run, command: fail } ]${run('breaks')}`,
      '',
      { commands },
    )
    expect(await tried.again()).toMatchObject({ again: ['breaks'] })
    expect((await tried.rows())['group/bad']?.failure?.code).toBe('command_failed')
    expect(runs).toEqual({ breaks: 2 })
  })

  it('goes on with a step that was stopped, or ended for another, though the run would go on from its failure', async () => {
    const { commands } = counted()
    const tried = await runOf(
      `
  - { name: pause, type: wait, seconds: 100, on_error: continue }${run('one', ', needs: [after]')}
  - { name: after, type: run, command: breaks }`,
      '',
      { commands },
    )
    expect((await tried.rows())['pause']?.failure?.code).toBe('cancelled')
    expect(await tried.again()).toMatchObject({ again: ['pause', 'after'] })
    expect((await tried.ended()).state).toBe('parked')
    await tried.stop(tried.id)
    await tried.lapse(tried.id)
    await tried.advance(tried.id)
    expect((await tried.rows())['pause']?.failure?.code).toBe('stopped')
    await tried.again()
    await tried.passTime(tried.id, 120)
    await tried.advance(tried.id)
    expect((await tried.ended()).state).toBe('done')
    expect((await tried.rows())['pause']?.state).toBe('done')
  })

  it('is refused where it would not be the same run, or could come to nothing', async () => {
    const refusal = (tried: { ask: () => Promise<unknown> }) =>
      tried.ask().then(
        () => 'it was accepted',
        (error: JourneymanError) => `${error.code}: ${error.message} ${error.nextAction}`,
      )
    const { commands } = counted()
    const done = await runOf(run('one'), '', { commands })
    expect(await refusal(done)).toMatch(/^conflict: The run run_\w+ is done; /)
    const waits = await runOf('\n  - { name: later, type: wait, seconds: 600 }')
    expect(await refusal(waits)).toMatch(/^conflict: The run run_\w+ has not ended \(parked\)\./)
    const short = await runOf(
      run('one'),
      'success_criteria: [ { condition: "${1 == 2}", description: "One is two" } ]\n',
      { commands },
    )
    expect(await refusal(short)).toMatch(
      /^conflict: Every step .* success criterion\. Not met: One is two\. .*--from STEP/,
    )
    const failed = await runOf(run('fail'), '', {})
    await failed.ask()
    expect(await refusal(failed)).toMatch(/has not ended \(queued\)/)
    const undone = await runOf(run('fail'), '', {})
    await sql`insert into step_executions (run_id, address, name, kind, ordinal, state, epoch)
      values (${undone.id}, '@rollback/one', 'one', 'rollback', 90, 'done', 1)`.execute(database.db)
    expect(await refusal(undone)).toMatch(/was undone when it failed/)
    const first = await runOf(run('fail'), '', {})
    const second = await runOf('\n  - { name: later, type: wait, seconds: 600 }')
    await sql`update workflow_executions set intent_key = ${first.id} where id = ${second.id}`.execute(database.db)
    expect(await refusal(first)).toContain(`Another run (${second.id}) is at work on the same.`)
  })
})
