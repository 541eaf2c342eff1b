import { type CompiledQuery, type KyselyPlugin, PostgresQueryCompiler, sql } from 'kysely'
import { beforeAll, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import { insertTestRun } from '../../test/rows.ts'
import { findBodies, knownDeliveries } from './deliveries.ts'
import { expireUnacknowledged, requeueLapsed, runsToAcknowledge, runsToReport } from './reaping.ts'
import { hasRefusedBefore, listRuns, liveRunsOf } from './runs.ts'
import { loadSteps } from './steps.ts'

/** What a service has after some time; enough for a plan by index to be the better one. */
const many = 20_000

describeOnEachDatabase('with a long history', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
    const { runId } = await insertTestRun(database.db)
    await sql`insert into workflow_executions (id, workflow, definition_hash, intent_key, repository, subject, actor, event, state,
        acknowledged_at, report_dirty, cost_cap, token_cap, deadline_seconds, created_at, finished_at)
      select 'run_' || n, workflow, definition_hash, 'intent ' || n, 'acme/' || n % 50, 'issue/' || n, actor, event,
        case when n % 500 = 0 then 'queued' else 'done' end, now(), n % 700 = 0, 1, 1, 1, now() - make_interval(mins => n), now()
      from workflow_executions, generate_series(1, ${many}::int) as n where id = ${runId}`.execute(database.db)
    await sql`insert into deliveries (id, provider, delivery_id, type, body_hash, body, disposition)
      select 'del_' || n, 'github', 'd-' || n, 't', 'hash ' || n, '', 'ignored' from generate_series(1, ${many}::int) as n`.execute(
      database.db,
    )
    await sql`insert into step_executions (run_id, address, name, kind, ordinal, state, epoch)
      select 'run_' || n, 'one', 'one', 'run', 1, 'done', 1 from generate_series(1, ${many}::int) as n`.execute(
      database.db,
    )
    await sql`insert into cost_tracking (id, run_id, address, model, month, state, reserved)
      select 'chg_' || n, 'run_' || n, 'one', 'm', '2026-11', 'settled', 1 from generate_series(1, ${many}::int) as n`.execute(
      database.db,
    )
    for (const table of ['workflow_executions', 'deliveries', 'step_executions', 'cost_tracking', 'effects']) {
      await database.query(`analyze ${table}`)
    }
  }, 120_000)

  const questions: Record<string, (db: TestDatabase['db']) => Promise<unknown>> = {
    'lapsed runs': (db) => db.transaction().execute((tx) => requeueLapsed(tx, 30)),
    'runs to acknowledge': (db) => db.transaction().execute((tx) => runsToAcknowledge(tx, 30)),
    'runs to give up': (db) => db.transaction().execute((tx) => expireUnacknowledged(tx, 3600)),
    'runs to report': (db) => runsToReport(db, 10, 30),
    'live runs of a ticket': (db) => liveRunsOf(db, 'acme/1', 'issue/1'),
    'a refusal before': (db) =>
      hasRefusedBefore(
        db,
        { id: 'x', repository: 'acme/1', subject: 'issue/1', actor: { id: '1' } } as never,
        'forbidden',
      ),
    'the newest runs': (db) => listRuns(db, { limit: 20 }),
    'bodies before': (db) => db.transaction().execute((tx) => findBodies(tx, 'github', ['hash 1', 'hash 2'])),
    'deliveries that are known': (db) => knownDeliveries(db, 'github', ['d-1', 'd-2']),
    'a journal': (db) => loadSteps(db, 'run_1'),
  }

  it.each(Object.entries(questions))('%s are found by an index', async (_name, ask) => {
    const statements: CompiledQuery[] = []
    await ask(database.db.withPlugin(noting(statements)))
    expect(statements.length).toBeGreaterThan(0)
    for (const { sql: text, parameters } of statements) {
      const { rows } = await database.query(`explain ${text}`, [...parameters])
      const plan = rows.map((row) => String(row['QUERY PLAN'])).join('\n')
      expect(plan).not.toMatch(/Seq Scan on (workflow_executions|deliveries|step_executions|cost_tracking)/)
    }
  })
})

/** Notes each statement as it is sent. */
const noting = (statements: CompiledQuery[]): KyselyPlugin => ({
  transformQuery: ({ node, queryId }) => {
    statements.push(new PostgresQueryCompiler().compileQuery(node, queryId))
    return node
  },
  transformResult: async ({ result }) => result,
})
