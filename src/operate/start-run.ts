import { z } from 'zod'
import { JourneymanError } from '../domain/errors.ts'
import type { Event } from '../domain/event.ts'
import { newId } from '../domain/ids.ts'
import { intentKey } from '../domain/intent-key.ts'
import { subjectText } from '../domain/subject.ts'
import { appendAudit } from '../store/audit.ts'
import type { Tx } from '../store/database.ts'
import { asStored } from '../store/json.ts'
import { findProject } from '../store/projects.ts'
import { admissionOf } from '../store/reporting.ts'
import { insertRuns, type NewRun } from '../store/runs.ts'
import type { LoadedWorkflow } from '../workflow/language/definition.ts'
import { eventsWaitedFor } from '../workflow/language/events-waited-for.ts'
import { suggestion } from '../workflow/language/nearest.ts'
import { checkInputs } from './check-inputs.ts'
import { type OperateParts, verb } from './contract.ts'

export type Started = { run: string; workflow: string; joined: boolean }

const number = z.int().positive()
const input = z.strictObject({
  workflow: z.string(),
  repository: z.string().optional(),
  issue: number.optional(),
  change: number.optional(),
  inputs: z.record(z.string(), z.string()).default({}),
})
type Wish = z.output<typeof input>

/**
 * Starts a run of a workflow, whatever its triggers: with the same intent as a delivery, so that who asks for what is
 * being done already joins it. The run and its job are stored in one transaction.
 */
export const startRun = verb({
  input,
  ask: async (parts, wish, by): Promise<Started> => {
    const workflow = chosen(await parts.workflows(), wish.workflow)
    const run = newRun(parts, workflow, await eventOf(parts, wish, by))
    checkInputs(workflow.definition, wish.inputs, wish)
    return parts.database.db.transaction().execute((tx) => insert(parts, tx, run, by))
  },
})

const insert = async (parts: OperateParts, tx: Tx, run: NewRun, by: string): Promise<Started> => {
  const standing = (await insertRuns(tx, [run])).get(run.intentKey)!
  if (standing.late) throw isEnding(standing.id)
  if (standing.joined) await refuseOther(tx, standing.id, run)
  else await parts.queue.enqueue('acknowledge', { runId: run.id }, { tx })
  await appendAudit(tx, {
    actor: by,
    action: standing.joined ? 'run.asked_again' : 'run.asked',
    runId: standing.id,
    // Values may be anything, and what is written here stays.
    detail: { workflow: run.workflow, inputs: Object.keys(run.event.fields) },
  })
  return { run: standing.id, workflow: run.workflow, joined: standing.joined }
}

const isEnding = (id: string): JourneymanError =>
  new JourneymanError('conflict', `The run ${id} is for the same, and is being stopped.`, {
    nextAction: 'Say it again when it has ended.',
  })

/** Joining is for who asks for the same. */
const refuseOther = async (tx: Tx, id: string, asked: NewRun): Promise<void> => {
  const live = await admissionOf(tx, id)
  const isSame = Object.entries(asked.event.fields).every(([name, value]) => live?.fields[name] === value)
  if (isSame && live?.acknowledged) return
  throw new JourneymanError(
    'conflict',
    isSame
      ? `The run ${id} is for the same, and it is not decided yet whether it may begin.`
      : `The run ${id} is at work on the same subject, with other inputs.`,
    { nextAction: isSame ? 'Say it again in a moment.' : `Wait for its end, or say "journeyman stop ${id}" first.` },
  )
}

const chosen = (workflows: LoadedWorkflow[], name: string): LoadedWorkflow => {
  const found = workflows.find(({ definition }) => definition.name === name)
  if (found) return found
  const names = workflows.map(({ definition }) => definition.name)
  throw new JourneymanError('not_found', `There is no workflow "${name}".${suggestion(name, names)}`, {
    nextAction:
      names.length > 0 ? `There are: ${names.join(', ')}.` : 'Set workflows.folder to a folder that has some.',
  })
}

const newRun = (parts: OperateParts, workflow: LoadedWorkflow, event: Event & { repository: string }): NewRun => {
  const id = newId('run')
  return {
    id,
    workflow: workflow.definition.name,
    definitionHash: workflow.hash,
    intentKey: intentKey(event, workflow.definition.name),
    repository: event.repository,
    subject: subjectText(event.subject, id),
    event,
    waitsFor: eventsWaitedFor(workflow.definition, workflow.prompts),
    ...parts.caps(workflow),
  }
}

const eventOf = async (parts: OperateParts, wish: Wish, by: string): Promise<Event & { repository: string }> => {
  if (wish.issue !== undefined && wish.change !== undefined) {
    throw new JourneymanError('invalid_input', 'A run is about an issue or about a change, not about both.')
  }
  const known = await findProject(parts.database.db, wish.repository)
  const repository = known?.repository ?? wish.repository
  if (repository === undefined || !/^[\w.-]+\/[\w.-]+$/.test(repository)) throw noRepository(wish.repository)
  const repositoryUrl = known?.repositoryUrl ?? parts.repositoryUrl(repository)
  const [kind, key] = wish.issue !== undefined ? (['issue', wish.issue] as const) : (['change', wish.change] as const)
  const page = kind === 'issue' ? 'issues' : 'pull'
  return {
    name: 'api.requested',
    provider: 'operator',
    repository,
    repositoryUrl,
    installation: known?.installation ?? null,
    actor: { login: by, id: by, isBot: false },
    subject: key === undefined ? null : { kind, key: String(key), url: `${repositoryUrl}/${page}/${key}` },
    revision: newId('run'),
    // As rows can hold them.
    fields: asStored(wish.inputs) as Record<string, string>,
  }
}

const noRepository = (given: string | undefined): JourneymanError =>
  given === undefined
    ? new JourneymanError('invalid_input', 'Which repository?', { nextAction: 'Say --repository owner/name.' })
    : new JourneymanError('invalid_input', `"${given}" is no repository.`, { nextAction: 'Write it as owner/name.' })
