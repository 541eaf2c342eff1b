import type { Script, ScriptedTurn, ScriptRequest } from '../world/contract.ts'
import { fillSubmission } from './fill-submission.ts'
import type { Model, Turn } from './fixture-schema.ts'

/** Whose conversation it is that asks: a conversation keeps its name for as long as it lasts, in whatever process. */
export type Speaker = { conversation: string; address: string; name: string }

const editor = 'str_replace_based_edit_tool'
/** Whoever tests the way and not the work needs an agent that does something. */
const someWork: Turn[] = [{ write: { 'rehearsal.txt': 'This is what the agent of a test without a model writes.\n' } }]

/**
 * The scripted model of one case. The list that stands for a step is one conversation; a list of lists is the first
 * conversation of that step, the second (a retry, the next turn of a loop), and so on, the last one for all that follow.
 */
export const scriptOf = (
  model: Model | undefined,
  whoAsks: () => Promise<Speaker | null>,
  firstAsked: (address: Speaker) => Promise<void>,
): Script => {
  const held = new Map<string, Turn[]>()
  const counted = new Map<string, number>()
  const turnsFor = (speaker: Speaker): Turn[] => {
    const key = keyOf(model, speaker)
    const nth = counted.get(key) ?? 0
    counted.set(key, nth + 1)
    return complete(nthOf(listFor(model, key), nth))
  }
  return async (request) => {
    const speaker = (await whoAsks()) ?? { conversation: request.firstMessage, address: '', name: '' }
    const known = held.get(speaker.conversation)
    if (!known) await firstAsked(speaker)
    const turns = known ?? turnsFor(speaker)
    held.set(speaker.conversation, turns)
    return answerFrom(turns, request)
  }
}

const keyOf = (model: Model | undefined, { address, name }: Speaker): string => {
  if (model === undefined || Array.isArray(model)) return ''
  return Object.hasOwn(model, address) ? address : name
}

const listFor = (model: Model | undefined, key: string): Turn[] | Turn[][] => {
  if (Array.isArray(model)) return model
  return model !== undefined && Object.hasOwn(model, key) ? (model[key] ?? someWork) : someWork
}

const nthOf = (list: Turn[] | Turn[][], nth: number): Turn[] => {
  const [first] = list
  if (!Array.isArray(first)) return list as Turn[]
  const lists = list as Turn[][]
  return lists[Math.min(nth, lists.length - 1)] ?? []
}

/** Handing in comes alone, and at the end. */
const complete = (turns: Turn[]): Turn[] => {
  const apart = turns.flatMap((turn): Turn[] => {
    const { submit, ...rest } = turn
    return submit === undefined || Object.keys(rest).length === 0 ? [turn] : [rest, { submit }]
  })
  const last = apart.at(-1)
  const isOver = last !== undefined && (last.submit !== undefined || last.answer !== undefined)
  return isOver ? apart : [...apart, { submit: {} }]
}

/** Failures stand before the turn that is answered once they are over; they are no turns of the conversation. */
const answerFrom = (turns: Turn[], request: ScriptRequest): ScriptedTurn => {
  let answered = 0
  let failures: Turn[] = []
  for (const turn of turns) {
    if (turn.fail !== undefined && turn.fail !== 'refusal') {
      failures.push(turn)
      continue
    }
    if (answered === request.turn) return failureAt(failures, request.repeat) ?? spoken(turn, request)
    answered += 1
    failures = []
  }
  return failureAt(failures, request.repeat) ?? spoken(turns.at(-1) ?? { submit: {} }, request)
}

const failureAt = (failures: Turn[], repeat: number): ScriptedTurn | null => {
  let upTo = 0
  for (const { fail, times = 1 } of failures) {
    upTo += times
    if (repeat >= upTo) continue
    if (fail === 'cut') return { text: 'Cut off.', fault: { kind: 'cut', afterEvents: 2 } }
    if (fail === 'hang') return { text: '', fault: { kind: 'hang' } }
    return { fault: { kind: 'status', status: Number(fail) } }
  }
  return null
}

const spoken = (turn: Turn, request: ScriptRequest): ScriptedTurn => {
  if (turn.fail === 'refusal') return { text: turn.say ?? '', stopReason: 'refusal' }
  const tools = toolsOf(turn, request)
  const text = turn.answer ?? turn.say
  return { ...(text !== undefined && { text }), ...(tools.length > 0 && { tools }) }
}

const toolsOf = (turn: Turn, request: ScriptRequest): { name: string; input: unknown }[] => {
  const edits = Object.entries(turn.edit ?? {}).flatMap(([path, changes]) =>
    Object.entries(changes).map(([old_str, new_str]) => ({ command: 'str_replace', path, old_str, new_str })),
  )
  const writes = Object.entries(turn.write ?? {}).map(([path, file_text]) => ({ command: 'create', path, file_text }))
  const views = [turn.view ?? []].flat().map((path) => ({ command: 'view', path }))
  return [
    ...[...views, ...edits, ...writes].map((input) => ({ name: editor, input })),
    ...[turn.run ?? []].flat().map((command) => ({ name: 'bash', input: { command } })),
    ...Object.entries(turn.call ?? {}).map(([name, input]) => ({ name, input })),
    ...(turn.submit === undefined ? [] : [{ name: 'submit', input: fillSubmission(turn.submit, schemaOf(request)) }]),
  ]
}

const schemaOf = (request: ScriptRequest) => request.tools.find((tool) => tool.name === 'submit')?.inputSchema ?? null
