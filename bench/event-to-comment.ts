import { setTimeout as sleep } from 'node:timers/promises'
import type { WorldGitHub, WorldRepository } from '../src/world/contract.ts'
import type { Measurement, Result } from './measurement.ts'
import type { Bench, Place } from './open-bench.ts'
import { onEachDatabase, startBenchApp } from './start-bench-app.ts'
import { percentile } from './statistics.ts'

const label = 'bench'

/** The run itself is over at once: what is measured is how soon a person hears that something happens. */
const workflow = `
name: bench_short
on: [ { event: issue.labeled, label: ${label} } ]
steps:
  - { name: say, type: system, action: set }
`

/** From somebody's label to the progress comment on the issue: webhook, live permission, eyes, comment. */
export const eventToComment: Measurement = {
  name: 'event-to-comment',
  measure: (bench) => onEachDatabase(bench, (place, name) => timeOn(bench, place, name)),
}

const timeOn = async (bench: Bench, place: Place, name: string): Promise<Result> => {
  const world = await bench.world()
  const { url } = await startBenchApp(bench, { world, place, worker: true, workflows: { 'bench.yaml': workflow } })
  world.github.webhookUrl = `${url}/webhooks/github`
  bench.after(async () => {
    world.github.webhookUrl = null
  })
  const timesMs: number[] = []
  const warmUp = 2
  for (let round = 0; round < bench.rounds(12) + warmUp; round++) {
    const repository = await repositoryOf(world.github, `${place.kind}-${round}`)
    const ms = await timeToComment(world.github, repository)
    if (round >= warmUp) timesMs.push(ms)
    // The run that follows is let come to its end.
    await sleep(300)
  }
  const [p50, p99] = [percentile(timesMs, 0.5), percentile(timesMs, 0.99)]
  const note = `longest ${Math.round(p99)} ms of ${timesMs.length}`
  return {
    name: `from the label to the progress comment on ${name}`,
    value: p50 / 1000,
    unit: 's',
    p50: p50 / 1000,
    p99: p99 / 1000,
    floor: 1,
    goal: 0.3,
    better: 'lower',
    note,
  }
}

/** Of an owner of its own: writes are spaced for each installation, and each begins without a token. */
const repositoryOf = async (github: WorldGitHub, owner: string): Promise<WorldRepository> => {
  const repository = await github.createRepository(`${owner}/shop`, { 'README.md': 'A shop.\n' })
  const person = github.addUser('alice')
  repository.setPermission(person.login, 'write')
  return repository
}

const longestMs = 20_000

const timeToComment = async (github: WorldGitHub, repository: WorldRepository): Promise<number> => {
  const person = github.addUser('alice')
  const { number } = repository.createIssue({ title: 'Prices', body: 'They should be right.', author: person })
  const begunMs = performance.now()
  await repository.label(number, label, person)
  while (repository.comments(number).length === 0) {
    if (performance.now() - begunMs > longestMs) throw new Error('There was no comment.')
    await sleep(1)
  }
  return performance.now() - begunMs
}
