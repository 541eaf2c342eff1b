import { setTimeout as sleep } from 'node:timers/promises'
import { type Failure, failureOf } from '../domain/errors.ts'
import { isLive } from '../domain/run.ts'
import type { Db } from '../store/database.ts'
import { getDelivery } from '../store/deliveries.ts'
import { getRun, requestStop } from '../store/runs.ts'
import type { Definition } from '../workflow/language/definition.ts'
import type { Script, World } from '../world/contract.ts'
import { compareOutcome } from './compare-outcome.ts'
import { doDeed } from './do-deed.ts'
import { driveRun } from './drive-run.ts'
import type { Answer, Deed, Outage } from './fixture-schema.ts'
import type { Difference } from './match-value.ts'
import { type Speaker, scriptOf } from './model-script.ts'
import type { Stage } from './open-stage.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import type { Case } from './read-fixture.ts'
import { type Scene, setScene } from './set-scene.ts'
import { forgetServices } from './skip-time.ts'

/** `problem`: why the case could not be played to its end. */
export type Performance = {
  name: string
  passed: boolean
  differences: Difference[]
  problem: Failure | null
  outcome: Outcome | null
  seconds: number
  log: string[]
}

/** One case from its event to its end, in a repository of its own. Throws nothing: what goes wrong is its result. */
export const performCase = async (stage: Stage, definition: Definition, each: Case): Promise<Performance> => {
  const began = Date.now()
  stage.takeLog()
  const ended = await play(stage, definition, each).catch((error: unknown) => ({
    outcome: null,
    differences: [],
    problem: failureOf(error),
  }))
  return {
    name: each.name,
    passed: ended.problem === null && ended.differences.length === 0,
    ...ended,
    seconds: (Date.now() - began) / 1000,
    log: linesOf(stage.takeLog(), ended.outcome?.runId ?? null),
  }
}

type Played = Pick<Performance, 'outcome' | 'differences' | 'problem'>

const play = async (stage: Stage, definition: Definition, each: Case): Promise<Played> => {
  const { app, world } = stage
  const { db } = app.database()
  await forgetServices(db)
  const scene = await setScene(world, each, stage.nextNumber())
  const happen = async (deed: Parameters<typeof doDeed>[2]): Promise<void> => void (await doDeed(world, scene, deed))
  const left = new Set(each.later.filter((deed) => deed.during !== undefined))
  const atWork = async ({ address, name }: Speaker): Promise<void> => {
    for (const deed of each.later) {
      if (deed.during !== address && deed.during !== name) continue
      left.delete(deed)
      await happen(deed)
    }
  }
  const speaker = () => whoSpeaks(db, scene)
  const { script, unmet } = withOutages(scriptOf(each.model, speaker, atWork), each.outages ?? [])
  world.claude.script = script
  const delivered = await doDeed(world, scene, each.start)
  const known = delivered && (await getDelivery(db, 'github', delivered.guid))
  const runId = known?.runs[0] ?? null
  const answer = (approval: { address: string }, given: Answer) => answerAs(world, scene, approval.address, given)
  const { waited, stuck, unused } =
    runId === null ? { waited: 0, stuck: null, unused: [] } : await driveRun({ db, runId, each, answer, happen })
  const ignored = runId === null ? (known?.reason ?? delivered?.body ?? 'Nothing was delivered.') : null
  const outcome = await outcomeOf(db, scene, definition, { runId, waited, ignored })
  if (runId !== null && isLive(outcome.state as never)) await endNow(db, runId)
  const expected = each.expect ?? {}
  const problem = stuck !== null && expected.state !== 'parked' ? failureOf(new Error(stuck)) : null
  const never = [
    ...unused.map((key) => neverCame(key, 'the run never waited for it')),
    ...[...left].map((deed) => neverCame(`later: ${JSON.stringify(deed)}`, 'its agent never asked the model')),
    ...[...scene.unmet(), ...unmet()].map((one) => neverCame(`outages: ${JSON.stringify(one)}`, 'no request met it')),
  ]
  return { outcome, differences: [...compareOutcome(expected, outcome), ...never], problem }
}

const neverCame = (key: string, actual: string): Difference => ({ key, expected: 'to come about', actual })

/** One agent at a time works in a run; a step that asks the model without being an agent is found as the step at work. */
const whoSpeaks = async (db: Db, scene: Scene): Promise<Speaker | null> => {
  const agent = await db
    .selectFrom('agent_executions as agent')
    .innerJoin('workflow_executions as run', 'run.id', 'agent.run_id')
    .select(['agent.id', 'agent.address'])
    .where('run.repository', '=', scene.repository.fullName)
    .where('agent.state', '=', 'running')
    .orderBy('agent.started_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (!agent) return null
  const name = (agent.address.split('/').at(-1) ?? '').replace(/[[:].*$/, '')
  return { conversation: agent.id, address: agent.address, name }
}

const withOutages = (script: Script, outages: Outage[]): { script: Script; unmet: () => Outage[] } => {
  const left = outages
    .filter((outage) => outage.on === 'claude')
    .map((outage) => ({ outage, times: outage.times ?? 1, after: outage.after ?? 0, met: false }))
  const interrupted: Script = (request) => {
    const due = left.find((one) => one.times > 0)
    if (!due) return script(request)
    if (due.after > 0) {
      due.after -= 1
      return script(request)
    }
    due.times -= 1
    due.met = true
    const { answer } = due.outage
    if (typeof answer === 'number') return { fault: { kind: 'status', status: answer } }
    return { text: 'Cut off.', fault: answer === 'hang' ? { kind: 'hang' } : { kind: 'cut', afterEvents: 1 } }
  }
  return { script: interrupted, unmet: () => left.filter(({ met }) => !met).map(({ outage }) => outage) }
}

/** People answer where they were asked: below the ticket, by name of the step. What may not be answered is not. */
const answerAs = async (world: World, scene: Scene, address: string, given: Answer): Promise<void> => {
  if (given.edit) scene.repository.editIssue(scene.issue.number, given.edit)
  const said = given.approve ?? given.reject
  if (said === undefined) return
  const verb = given.approve === undefined ? 'reject' : 'approve'
  const comment = `/ai ${verb} ${address}${said === true ? '' : ` ${said}`}`
  await doDeed(world, scene, { comment, ...(given.by !== undefined && { by: given.by }), ...placeOf(scene) })
}

const placeOf = ({ pull }: Scene): Pick<Deed, 'on'> => (pull ? { on: 'pull_request' } : {})

/** A case that is over must not work on beside the next. */
const endNow = async (db: Db, runId: string): Promise<void> => {
  await requestStop(db, runId, 'journeyman test')
  const latest = Date.now() + 15_000
  while (Date.now() < latest) {
    const run = await getRun(db, runId)
    if (!run || !isLive(run.state)) return
    await sleep(50)
  }
}

const mostLines = 12

const linesOf = (lines: string[], runId: string | null): string[] => {
  const said = lines.filter((line) => !/"level":(10|20)\b/.test(line))
  const own = runId === null ? said : said.filter((line) => line.includes(runId) || /"level":[56]0\b/.test(line))
  return own.slice(-mostLines).map((line) => line.trim())
}
