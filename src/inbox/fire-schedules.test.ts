import { beforeAll, beforeEach, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import { createQueue } from '../queue/queue.ts'
import { saveDefinition } from '../store/definitions.ts'
import { saveProject } from '../store/projects.ts'
import type { LoadedWorkflow } from '../workflow/language/definition.ts'
import { parseWorkflow } from '../workflow/language/parse-workflow.ts'
import { createFireSchedules, type ScheduleParts } from './fire-schedules.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

describeOnEachDatabase('schedules', (open) => {
  let database: TestDatabase
  let parts: ScheduleParts
  let workflows: LoadedWorkflow[]
  let repositories: string[]
  let warnings: string[]

  beforeAll(async () => {
    database = await open()
    const queue = createQueue(database, { supervise: false })
    await queue.start()
    parts = {
      database,
      queue,
      workflows: () => workflows,
      caps: () => ({ costCap: 1, tokenCap: 1, deadlineSeconds: 60 }),
      repositories: () => repositories,
      repositoryUrl: (repository) => `https://github.com/${repository}`,
      log: (level, message) => void (level === 'warn' && warnings.push(message)),
    }
  })
  beforeEach(async () => {
    await database.query('delete from pgboss.job')
    await database.query('delete from workflow_executions')
    await database.query("delete from marks where name like 'schedule:%'")
    await database.query('delete from projects')
    repositories = ['acme/shop']
    warnings = []
    workflows = []
  })

  const scheduled = async (name: string, ...triggers: string[]): Promise<void> => {
    const source = `name: ${name}\non: [ ${triggers.join(', ')} ]\nsteps: [ { name: one, action: set, inputs: { a: 1 } } ]\n`
    const { definition, problems } = parseWorkflow(source, `${name}.yaml`)
    if (!definition) throw new Error(JSON.stringify(problems))
    await saveDefinition(database.db, { hash: name, name, source, prompts: {} })
    workflows.push({ hash: name, file: `${name}.yaml`, source, prompts: {}, definition })
  }
  /** A time of the database's as a schedule that is due in that minute of each day. */
  const dailyAt = (time: Date): string => `${time.getUTCMinutes()} ${time.getUTCHours()} * * *`
  const databaseTime = async (): Promise<Date> =>
    (await database.query('select clock_timestamp() as now')).rows[0]?.['now'] as Date
  const ago = async (ms: number): Promise<Date> => new Date((await databaseTime()).getTime() - ms)
  const daily = async (ms: number): Promise<string> => `{ schedule: "${dailyAt(await ago(ms))}" }`
  /** As if every schedule had been seen to until then. */
  const seenUntil = async (time: Date): Promise<void> => {
    await fire()
    await database.query(
      `update marks set value = jsonb_build_object('until', '${time.toISOString()}'::text) where name like 'schedule:%'`,
    )
  }
  const fire = () => createFireSchedules(parts)()
  const runs = async () => {
    const { rows } = await database.query(
      `select id, workflow, repository, subject, state, event->'fields'->>'due' as due, event->>'provider' as provider, actor->>'login' as actor
       from workflow_executions order by workflow, repository, due`,
    )
    return rows as { id: string; workflow: string; repository: string; subject: string; due: string; actor: string }[]
  }
  const minuteOf = (time: Date): string => `${time.toISOString().slice(0, 16)}:00.000Z`

  it('start one run with its job, as ours, about nothing', async () => {
    await scheduled('weekly', await daily(hourMs))
    await seenUntil(await ago(2 * hourMs))
    await fire()
    const [run, ...others] = await runs()
    expect(others).toEqual([])
    expect(run).toMatchObject({
      workflow: 'weekly',
      repository: 'acme/shop',
      provider: 'schedule',
      actor: 'journeyman',
    })
    expect(run?.subject).toBe(`request/${run?.id}`)
    const { rows } = await database.query('select name, data from pgboss.job')
    expect(rows).toEqual([{ name: 'acknowledge', data: { runId: run?.id } }])
    const audit = await database.query(`select action, actor from audit_log where run_id = '${run?.id}'`)
    expect(audit.rows).toEqual([{ action: 'run.due', actor: 'journeyman' }])
  })

  it('count from when they are first seen: what was due before is not made up for', async () => {
    await scheduled('new', await daily(hourMs), '{ schedule: "*/5 * * * *" }')
    await fire()
    expect(await runs()).toEqual([])
  })

  it('fire a minute once: in the next round, by another process at the same moment, and when its run has ended', async () => {
    await scheduled('once', await daily(hourMs))
    await seenUntil(await ago(2 * hourMs))
    await Promise.all([fire(), fire(), fire(), fire()])
    await database.query("update workflow_executions set state = 'done'")
    await fire()
    expect(await runs()).toHaveLength(1)
  })

  it('start in each of several repositories that have the same times', async () => {
    const time = dailyAt(await ago(hourMs))
    await scheduled('both', ...['acme/shop', 'acme/bakery'].map((one) => `{ schedule: "${time}", repository: ${one} }`))
    await seenUntil(await ago(2 * hourMs))
    await fire()
    expect((await runs()).map((run) => run.repository)).toEqual(['acme/bakery', 'acme/shop'])
  })

  it('make up once for what was missed, for the last time that it should have been', async () => {
    const missed = await ago(hourMs)
    await scheduled('hourly', `{ schedule: "${missed.getUTCMinutes()} * * * *" }`)
    await seenUntil(await ago(9.5 * hourMs))
    await fire()
    // An hour may have become full meanwhile.
    const [run, ...others] = await runs()
    expect(others).toEqual([])
    expect([missed, new Date(missed.getTime() + hourMs)].map(minuteOf)).toContain(run?.due)
  })

  it('let go of what was missed by more than a day', async () => {
    const missed = await ago(2 * dayMs)
    const [minute, hour, weekday] = [missed.getUTCMinutes(), missed.getUTCHours(), missed.getUTCDay()]
    await scheduled('stale', `{ schedule: "${minute} ${hour} * * ${weekday}" }`)
    await seenUntil(await ago(6 * dayMs))
    await fire()
    expect(await runs()).toEqual([])
  })

  it.each([
    ['an hour', hourMs],
    ['a day', dayMs],
  ])('do not fire again when the clock has gone back by %s', async (_name, ms) => {
    await scheduled('steady', '{ schedule: "* * * * *" }')
    // What it fired for last is still to come, by the clock as it is now.
    await seenUntil(new Date((await databaseTime()).getTime() + ms))
    await fire()
    expect(await runs()).toEqual([])
  })

  it('fire once when the clock has gone forward, by however much', async () => {
    await scheduled('steady', '{ schedule: "* * * * *" }')
    await seenUntil(await ago(30 * dayMs))
    await fire()
    expect(await runs()).toHaveLength(1)
  })

  it('of one workflow that are due in one minute are one run', async () => {
    const time = await ago(hourMs)
    await scheduled(
      'both',
      `{ schedule: "${dailyAt(time)}" }`,
      `{ schedule: "${dailyAt(time).replace('* * *', '1-31 * *')}" }`,
    )
    await seenUntil(await ago(2 * hourMs))
    await fire()
    expect(await runs()).toHaveLength(1)
  })

  it('start one run in each repository: the one that they name, or those of the configuration', async () => {
    const schedule = dailyAt(await ago(hourMs))
    repositories = ['acme/shop', 'acme/bakery']
    await scheduled('everywhere', `{ schedule: "${schedule}" }`)
    await scheduled('there', `{ schedule: "${schedule}", repository: acme/mill }`)
    await seenUntil(await ago(2 * hourMs))
    await fire()
    expect((await runs()).map(({ workflow, repository }) => [workflow, repository])).toEqual([
      ['everywhere', 'acme/bakery'],
      ['everywhere', 'acme/shop'],
      ['there', 'acme/mill'],
    ])
  })

  const project = (repository: string) =>
    saveProject(database.db, {
      provider: 'github',
      repository,
      repositoryUrl: `https://github.com/${repository}`,
      defaultBranch: 'main',
      installation: '7',
    })

  it('start in the only repository that is known, where nothing is said', async () => {
    repositories = []
    await project('acme/only')
    await scheduled('silent', await daily(hourMs))
    await seenUntil(await ago(2 * hourMs))
    await fire()
    const { rows } = await database.query('select repository, installation from workflow_executions')
    expect(rows).toEqual([{ repository: 'acme/only', installation: '7' }])
  })

  it('start nowhere when there are several, and say so once', async () => {
    repositories = []
    await project('acme/one')
    await project('acme/two')
    await scheduled('silent', await daily(hourMs))
    await seenUntil(await ago(2 * hourMs))
    warnings = []
    const round = createFireSchedules(parts)
    await round()
    await round()
    expect(await runs()).toEqual([])
    expect(warnings).toEqual(['a schedule has no repository to start in'])
  })
})
