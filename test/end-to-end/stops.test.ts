import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { processesWith } from '../../src/workspace/sandbox/sandbox.fixture.ts'
import { describeOnEachHouse, type House, until } from './house.ts'

/** So that the commands of this test are told from all others of the machine. */
const nap = `3600.${process.pid}`

/** Each waits in a way of its own, and would leave a comment if it came further. */
const waits: Record<string, string> = {
  command: `{ name: wait, type: run, command: "(sleep ${nap} &) ; sleep ${nap}" }`,
  retry: `name: again
    type: run
    command: exit 1
    on_error: retry
    retry_count: 3
    retry: { backoff: fixed, initial_seconds: 20, jitter: none }`,
  approval: `{ name: wait, type: approval, shows: "go on?" }`,
  event: `{ name: wait, type: wait, event: change.merged, timeout: 900 }`,
  seconds: `{ name: wait, type: wait, seconds: 900 }`,
  group: `name: wait
    type: parallel
    steps:
      - { name: one, type: wait, seconds: 900 }
      - { name: two, type: approval, shows: "go on?" }
      - { name: three, type: run, command: "(sleep ${nap} &) ; sleep ${nap}" }`,
}

const workflowOf = (name: string, step: string): string => `
name: ${name}
description: Waits
version: "1.0.0"
on: [ { event: issue.labeled, label: ${name} } ]
steps:
  - ${step}
  - { name: after, plugin: task_management, action: add_comment, inputs: { comment: "came further" } }
`

type Open = { workflow: string; state: string; open: number }

const look = (house: House): Promise<Open[]> =>
  house.look(async (database) => {
    const { rows } = await database.query(`select workflow, state, (select count(*)::int from step_executions as step
      where run_id = run.id and (step.state = 'running' or step.retry_at is not null)) as open
      from workflow_executions as run`)
    return rows as Open[]
  })

/** Commands of a run take turns at its tree, but these are of several runs. */
const sleepers = (): Promise<number[]> => processesWith(nap)
const mostSecondsAlive = 2

describeOnEachHouse('a stop (F23)', (open) => {
  it('ends runs in the middle of whatever they wait for; their processes are gone, and nothing is sent after it', async () => {
    const house = await open()
    const folder = join(house.folder, 'flows')
    await mkdir(folder)
    const names = Object.keys(waits)
    for (const name of names) await writeFile(join(folder, `${name}.yaml`), workflowOf(name, waits[name] ?? ''))
    await house.start({ workflows: { folder }, lanes: { advance_run: names.length } })
    const issues = names.map(() =>
      house.repository.createIssue({ title: 'Wait', body: 'Please.', author: house.alice }),
    )
    for (const [index, { number }] of issues.entries())
      await house.repository.label(number, names[index] ?? '', house.alice)
    await until('all are under way', async () => {
      const runs = await look(house)
      return runs.length === names.length && runs.every((run) => run.open > 0) && (await sleepers()).length >= 4
    })

    for (const { number } of issues) await house.repository.comment(number, '/ai stop', house.alice)
    await until('all have ended', async () => (await look(house)).every((run) => run.state === 'stopped'))
    await until('their processes are gone', async () => (await sleepers()).length === 0, mostSecondsAlive)
    const { rows } = await house.look((database) =>
      database.query(`select workflow, address, step.state, step.failure->>'code' as code from step_executions as step
        join workflow_executions on id = run_id where step.state <> 'done' and address not like '@%'`),
    )
    // The command that is tried again and again has failed before; all that was under way ends as stopped.
    for (const row of rows) expect(row).toMatchObject({ state: 'failed', code: 'stopped' })
    expect(rows.length).toBeGreaterThanOrEqual(names.length)
    for (const { number } of issues) {
      const said = house.repository.comments(number).map(({ body }) => body)
      expect(said.filter((body) => body.includes('came further'))).toEqual([])
    }
  })
})
