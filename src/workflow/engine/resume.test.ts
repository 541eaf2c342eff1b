import { beforeAll, expect, it } from 'vitest'
import { fc, times } from '../../../test/at-random.ts'
import { breakableDatabase, type Fate } from '../../../test/breakable-database.ts'
import { describeOnEachDatabase, type TestDatabase } from '../../../test/databases.ts'
import { JourneymanError } from '../../domain/errors.ts'
import { type EngineOptions, type EngineUnderTest, engineUnderTest, workflowOf } from './testing/engine-under-test.ts'

/** Everything that this version runs, with a variable that is evaluated late and a condition that a later step undoes. */
const everything = workflowOf(
  `
  - { name: begin, plugin: task_management, action: update_task_status, inputs: { status: in_progress } }
  - { name: clone, plugin: version_control, action: clone_repository }
  - { name: flag, type: system, action: set, inputs: { small: true } }
  - name: choose
    type: conditional
    condition: "\${small and steps.undo is not defined}"
    then:
      - { name: undo, type: system, action: set, inputs: { small: false } }
      - { name: tool, type: run, command: count }
    else: [ { name: other, type: run, command: write b } ]
  - { name: may_fail, type: run, command: write half and fail, on_error: continue }
  - { name: flaky, type: run, command: flaky, on_error: retry, retry: { count: 1, initial_seconds: 0.001, jitter: none } }
  - { name: code, type: ai_action, agent: development, prompt_template: prompts/do.njk, outputs: { pr_title: title } }
  - name: pr
    plugin: version_control
    action: create_pull_request
    inputs: { source_branch: "\${branch}", target_branch: main, title: "\${title}", description: Done }
    outputs: { number: pr.number }
  - { name: tell, plugin: task_management, action: add_comment, inputs: { comment: "See #\${pr.number}" } }
  - { name: end, plugin: task_management, action: update_task_status, inputs: { status: in_review } }`,
  `variables: { branch: "\${config.branch_prefix}\${task.id}" }
success_criteria: [ { condition: "\${pr.number}", description: "A pull request" } ]
post_execution: { always: [ { action: cleanup } ] }
`,
)

describeOnEachDatabase('a run that is gone on with', (open, kind) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })

  const prepare = async () => {
    const counts = { count: 0, flaky: 0 }
    const options: EngineOptions = {
      turns: [
        async ({ files }) => files.write('one.ts', '1'),
        async ({ files }) => files.write('two.ts', `${await files.read('one.ts')}2`),
      ],
      commands: {
        count: async (tree) => {
          counts.count += 1
          tree.set('counted', 'x')
          return { exitCode: 0 }
        },
        flaky: async (tree) => {
          counts.flaky += 1
          tree.set(`flaky-${counts.flaky}`, 'x')
          return { exitCode: counts.flaky === 1 ? 1 : 0 }
        },
      },
    }
    const engine = await engineUnderTest(database, options)
    return { engine, counts, id: await engine.queueRun(everything) }
  }

  /** What people and the next worker see of a finished run. */
  const outcome = async (engine: EngineUnderTest, id: string) => {
    const run = await engine.run(id)
    const rows = Object.values(await engine.steps(id))
    return {
      state: run.state,
      failure: run.failure?.code ?? null,
      steps: rows.map((row) => [row.address, row.state]),
      changes: engine.host.changes.map(({ title, state, source_branch }) => ({ title, state, source_branch })),
      comments: engine.tracker.comments.map((comment) => comment.body.split('\n')[0]),
      status: engine.tracker.tasks.get('1')?.status,
      paid: engine.paidTurns,
      left: [...engine.workspaces.trees.keys()],
      open: engine.workspaces.openCount(),
    }
  }

  let undisturbed: Awaited<ReturnType<typeof outcome>>
  let queries = 0
  beforeAll(async () => {
    const { engine, id } = await prepare()
    const counting = breakableDatabase(database, () => 'through')
    await engine.worker(counting)(id, new AbortController().signal)
    undisturbed = await outcome(engine, id)
    queries = counting.queries()
    expect(undisturbed).toMatchObject({ state: 'done', status: 'in_review', open: 0, left: [] })
    expect(undisturbed.changes).toHaveLength(1)
    expect(undisturbed.comments).toEqual(['See #1'])
  })

  /** From the k-th query on, the worker is dead: nothing of it reaches the database any more. */
  const killedAt = (k: number, last: Fate) =>
    breakableDatabase(
      database,
      (query) => (query < k ? 'through' : query === k ? last : 'unsent'),
      () => new JourneymanError('stale_epoch', 'This worker is dead.'),
    )

  it('ends the same wherever its worker died, and does nothing twice', async () => {
    const place = fc.record({ k: fc.integer({ min: 1, max: queries }), last: fc.constantFrom('unsent', 'unanswered') })
    await fc.assert(
      fc.asyncProperty(fc.array(place, { minLength: 1, maxLength: 3 }), async (deaths) => {
        const { engine, counts, id } = await prepare()
        for (const { k, last } of deaths) {
          const dead = killedAt(k, last as Fate)
          await engine
            .worker(dead)(id, new AbortController().signal)
            .catch(() => undefined)
          await engine.lapse(id)
        }
        await engine.advance(id)
        const found = await outcome(engine, id)
        // The call in flight is paid again, and no turn that the journal has.
        expect(new Set(found.paid)).toEqual(new Set(undisturbed.paid))
        expect(found.paid.length).toBeLessThanOrEqual(undisturbed.paid.length + deaths.length)
        expect({ ...found, paid: [], open: 0 }).toEqual({ ...undisturbed, paid: [], open: 0 })
        expect(counts.count).toBeLessThanOrEqual(1 + deaths.length)
      }),
      { numRuns: times(kind === 'pglite' ? 12 : 60), endOnFailure: true },
    )
  })

  it('is not ended by a database that is away for a moment, at whatever query', async () => {
    const away = fc.record({ k: fc.integer({ min: 2, max: queries }), how: fc.constantFrom('unsent', 'unanswered') })
    await fc.assert(
      fc.asyncProperty(away, async ({ k, how }) => {
        const { engine, id } = await prepare()
        const flickering = breakableDatabase(database, (query) => (query === k ? (how as Fate) : 'through'))
        await engine
          .worker(flickering)(id, new AbortController().signal)
          .catch(() => undefined)
        if ((await engine.run(id)).state !== 'done') await engine.lapse(id)
        await engine.advance(id)
        const found = await outcome(engine, id)
        expect({ ...found, paid: new Set(found.paid) }).toEqual({ ...undisturbed, paid: new Set(undisturbed.paid) })
        expect(found.paid.length).toBeLessThanOrEqual(undisturbed.paid.length + 1)
      }),
      { numRuns: times(kind === 'pglite' ? 12 : 40), endOnFailure: true },
    )
  })

  it('has the configuration that it began with', async () => {
    const { engine, id } = await prepare()
    // Dead before the branch is named.
    await engine.worker(killedAt(Math.floor(queries / 2), 'unsent'))(id, new AbortController().signal)
    await engine.lapse(id)
    engine.settings.publicConfig = { branch_prefix: 'other/' }
    await engine.advance(id)
    expect(engine.host.changes.map((change) => change.source_branch)).toEqual(['ai/1'])
  })

  it('pays for no turn again where only the end of its step was not written', async () => {
    const { engine, id } = await prepare()
    let left = 1
    const parts = {
      agents: {
        development: {
          name: 'development',
          systemTemplate: 'system',
          promptVariables: () => ({}),
          // After the conversation has ended, and before the step has.
          toResult: (): never => {
            throw new JourneymanError(left-- > 0 ? 'stale_epoch' : 'internal', 'This worker dies here.')
          },
        },
      },
    }
    await engine.worker(database, 'first', parts)(id, new AbortController().signal)
    await engine.lapse(id)
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('done')
    expect(engine.paidTurns).toEqual(undisturbed.paid)
  })

  it('waits for a try that is due by the clock of the database, whatever this machine thinks', async () => {
    const engine = await engineUnderTest(database, {
      commands: {
        later: async () => {
          throw new JourneymanError('unavailable', 'Not now.', { retryAfterMs: 40_000 })
        },
      },
    })
    const id = await engine.queueRun(
      workflowOf('\n  - { name: one, type: run, command: later, on_error: retry, retry_count: 1 }'),
    )
    await engine.advance(id)
    expect((await engine.run(id)).state).toBe('parked')
    await database.query(`update step_executions set retry_at = now() - interval '1 second' where run_id = $1`, [id])
    await engine.lapse(id)
    const real = Date.now
    // An hour behind.
    Date.now = () => real() - 3_600_000
    try {
      await engine.advance(id)
    } finally {
      Date.now = real
    }
    expect((await engine.run(id)).state).toBe('failed')
    expect((await engine.steps(id))['one']).toMatchObject({ attempts: 2 })
  })
})
