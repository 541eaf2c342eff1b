import { commentsOf, type Kind } from './chaos-workflows.ts'
import type { Driver } from './drive-runs.ts'
import type { Fault } from './fault.ts'
import type { Ground } from './open-ground.ts'
import { interruptionsOf, type Records, type RunRecord } from './records.ts'

/** What people, the code host and the model's provider have seen: each thing once, in its order, and none missing. */
export const judgeWorld = (
  ground: Ground,
  records: Records,
  driver: Pick<Driver, 'issues'>,
  kills: number,
): Fault[] => {
  const faults: Fault[] = ground.world.violations.map((violation) => ({
    invariant: 'I2',
    what: `The world refused: ${JSON.stringify(violation)}`,
  }))
  for (const run of records.runs) {
    const kind = driver.issues.get(run.issue) ?? (run.workflow as Kind)
    faults.push(...judgeComments(ground, run, kind))
    if (kind === 'built') faults.push(...judgePulls(ground, run), ...judgeModel(ground, records, run))
  }
  const repeated = ground.asked.length - new Set(ground.asked.map(({ issue, turn }) => `${issue} ${turn}`)).size
  const mostInFlight = 8
  if (repeated > kills * mostInFlight)
    faults.push({ invariant: 'I4', what: `${repeated} calls of the model were repeated for ${kills} kills.` })
  return faults
}

/** One comment per effect key: by its hidden marker, and by what it says. */
const judgeComments = ({ repository, world }: Ground, run: RunRecord, kind: Kind): Fault[] => {
  const faults: Fault[] = []
  const fault = (what: string): void => void faults.push({ invariant: 'I2', what: `Issue ${run.issue}: ${what}` })
  const own = repository.comments(run.issue).filter((comment) => comment.author === world.github.app.bot.login)
  const markers = own.flatMap(({ body }) => body.match(/<!-- journeyman:[^>]*-->/g) ?? [])
  for (const [marker, same] of Map.groupBy(markers, (one) => one)) {
    if (same.length > 1) fault(`${same.length} comments have the marker ${marker}.`)
  }
  const progress = markers.filter((marker) => marker.includes(':progress:')).length
  if (progress !== 1) fault(`${progress} progress comments.`)
  const texts = own.toSorted((a, b) => a.id - b.id).flatMap(({ body }) => /^said: (.*)$/m.exec(body)?.[1] ?? [])
  const { said, undone } = commentsOf[kind]
  const undoing = texts.filter((text) => text.startsWith('undo '))
  const saying = texts.filter((text) => !text.startsWith('undo ')).toSorted()
  if (undoing.join() !== undone.join()) fault(`was undone by: ${undoing.join(', ') || 'nothing'}.`)
  if (saying.join() !== said.toSorted().join()) fault(`was told: ${saying.join(', ') || 'nothing'}.`)
  return faults
}

/** One pull request for a run that is done. */
const judgePulls = ({ repository }: Ground, run: RunRecord): Fault[] => {
  const pulls = repository.pulls().filter((pull) => pull.head === `built/${run.id}`)
  const wanted = run.state === 'done' ? 1 : 0
  if (pulls.length === wanted || (wanted === 0 && pulls.length <= 1)) return []
  return [{ invariant: 'I2', what: `${run.id} is ${run.state} and has ${pulls.length} pull requests.` }]
}

const grainMs = 20

/** A turn in the journal is not asked again; before that at most once for each worker that died under the run. */
const judgeModel = ({ asked }: Ground, records: Records, run: RunRecord): Fault[] => {
  const faults: Fault[] = []
  const fault = (what: string): void => void faults.push({ invariant: 'I4', what: `${run.id}: ${what}` })
  for (const turn of records.turns.filter((one) => one.run_id === run.id)) {
    const calls = asked.filter((call) => call.issue === String(run.issue) && call.turn === turn.ordinal)
    if (calls.length === 0) fault(`turn ${turn.ordinal} stands in the journal and was never asked.`)
    if (calls.length > interruptionsOf(run) + 1)
      fault(`turn ${turn.ordinal} was asked ${calls.length} times; ${interruptionsOf(run) + 1} would be explained.`)
    const late = calls.filter((call) => call.at > turn.written_ms + grainMs)
    if (late.length > 0) fault(`turn ${turn.ordinal} was asked ${late.length} times after it was journalled.`)
  }
  return faults
}
