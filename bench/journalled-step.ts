import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../src/store/database.ts'
import type { Measurement, Result } from './measurement.ts'
import type { Bench, Place } from './open-bench.ts'
import { onEachDatabase, startBenchApp } from './start-bench-app.ts'
import { median } from './statistics.ts'

const label = 'bench'
const steps = 199

const workflow = `
name: bench_steps
on: [ { event: issue.labeled, label: ${label} } ]
steps:
${Array.from({ length: steps }, (_, index) => `  - { name: step_${index}, type: system, action: set, inputs: { at: ${index} } }`).join('\n')}
`

/** What the engine itself takes for a step: a run of many that do nothing, by the times in their rows. */
export const journalledStep: Measurement = {
  name: 'journalled-step',
  measure: (bench) => onEachDatabase(bench, (place, name) => stepsOn(bench, place, name)),
}

const stepsOn = async (bench: Bench, place: Place, name: string): Promise<Result> => {
  const world = await bench.world()
  const { app, url } = await startBenchApp(bench, {
    world,
    place,
    worker: true,
    workflows: { 'bench.yaml': workflow },
  })
  world.github.webhookUrl = `${url}/webhooks/github`
  bench.after(async () => {
    world.github.webhookUrl = null
  })
  const person = world.github.addUser('alice')
  const timesMs: number[] = []
  const warmUp = 1
  for (let round = 0; round < bench.rounds(6) + warmUp; round++) {
    const repository = await world.github.createRepository(`${place.kind}-steps-${round}/shop`, { 'a.txt': 'a\n' })
    repository.setPermission(person.login, 'write')
    const issue = repository.createIssue({ title: 'Steps', body: 'Many of them.', author: person })
    await repository.label(issue.number, label, person)
    const ms = await untilDone(app.database(), repository.fullName)
    if (round >= warmUp) timesMs.push(ms / steps)
  }
  const value = median(timesMs)
  const note = `steps that only compute, written behind, many in one statement; ${timesMs.length} runs of ${steps} steps`
  return { name: `a journalled step on ${name}`, value, unit: 'ms', floor: 1, goal: 0.4, better: 'lower', note }
}

const longestMs = 30_000

/** Milliseconds from the beginning of the first step to the end of the last, by the database's clock. */
const untilDone = async (database: Database, repository: string): Promise<number> => {
  const latestMs = performance.now() + longestMs
  while (performance.now() < latestMs) {
    const run = await database.db
      .selectFrom('workflow_executions')
      .select(['id', 'state'])
      .where('repository', '=', repository)
      .executeTakeFirst()
    if (run?.state === 'done') return timeOfSteps(database, run.id)
    if (run?.state === 'failed') throw new Error('The run of many steps has failed.')
    await sleep(100)
  }
  throw new Error('The run of many steps did not end.')
}

const timeOfSteps = async (database: Database, runId: string): Promise<number> => {
  const { rows } = await database.query(
    `select count(*) as steps, extract(epoch from max(finished_at) - min(started_at))::float * 1000 as ms
     from step_executions where run_id = $1 and address like 'step%' and state = 'done'`,
    [runId],
  )
  const { steps: done, ms } = rows[0] as { steps: number; ms: number }
  if (done !== steps) throw new Error(`${done} of ${steps} steps are in the journal.`)
  return ms
}
