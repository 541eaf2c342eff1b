import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { isLive } from '../../src/domain/run.ts'
import { listRuns } from '../../src/store/runs.ts'
import { describeOnEachHouse, until } from './house.ts'

const workflow = `name: weekly
on: [ { schedule: "* * * * *" } ]
steps:
  - name: look
    plugin: task_management
    action: get_project_tasks
    inputs: { project: "\${repository}" }
    outputs: { tasks: tasks }
  - { name: say, plugin: task_management, action: add_comment, inputs: { task_id: "\${tasks[0].key}", comment: "Due: \${event.due}" } }
`

describeOnEachHouse('a schedule', (open) => {
  it('starts a run by itself, which is asked of nobody and told nowhere but where its steps say', async () => {
    const house = await open()
    const folder = join(house.folder, 'scheduled')
    await mkdir(folder)
    await writeFile(join(folder, 'weekly.yaml'), workflow)
    const app = await house.start({
      workflows: { folder },
      schedules: { every_seconds: 0.2, repositories: [house.repository.fullName] },
    })
    const { db } = app.database()
    // As if it had been seen to a while ago: what was missed since is made up for at once.
    await db
      .insertInto('marks')
      .values({ name: 'schedule:weekly * * * * *', value: JSON.stringify({ until: '2000-01-01T00:00:00Z' }) })
      .onConflict((conflict) =>
        conflict.column('name').doUpdateSet({ value: JSON.stringify({ until: '2000-01-01T00:00:00Z' }) }),
      )
      .execute()
    await until('it has ended', async () => {
      const runs = await listRuns(db, { limit: 5 })
      return runs.length > 0 && runs.every((run) => !isLive(run.state))
    })
    const runs = await listRuns(db, { limit: 5 })
    // The next minute may have come meanwhile.
    expect(new Set(runs.map((run) => run.event.fields['due'])).size).toBe(runs.length)
    expect(runs.at(-1)).toMatchObject({ state: 'done', failure: null, event: { name: 'schedule.due' } })
    const comments = house.repository.comments(house.issue.number).map((comment) => comment.body)
    expect(comments[0]).toContain(`Due: ${runs.at(-1)?.event.fields['due']}`)
    expect(house.world.violations).toEqual([])
  })
})
