import { JourneymanError } from '../../domain/errors.ts'
import { noUsage } from '../../domain/money.ts'
import type { AgentJournal, AgentOpening, Turn } from '../contract.ts'

/** The rows that outlive a worker. A second journal over the same rows is what a second worker would have. */
export type JournalRows = {
  opening: string | null
  turns: Turn[]
  reservations: Map<string, 'reserved' | 'settled' | 'free' | 'unknown'>
  /** Input tokens that were reserved, per call. */
  reserved: number[]
  log: string[]
}

export const newRows = (): JournalRows => ({
  opening: null,
  turns: [],
  reservations: new Map(),
  reserved: [],
  log: [],
})

export type JournalMember = 'open' | 'reserve' | 'answered' | 'gaveNothing' | 'toolsDone' | 'snapshotTaken'

/**
 * An AgentJournal in memory that holds its users to the contract: it throws where a real one would refuse, and gives rows
 * back as a database does, with the keys of JSON in another order. `crash` is asked before and after each write.
 */
export const memoryJournal = (
  rows: JournalRows,
  options: { crash?: (at: `${JournalMember}.${'before' | 'after'}`) => void; budgetCalls?: number } = {},
): AgentJournal & { activities: string[] } => {
  const activities: string[] = []
  const write = async <T>(member: JournalMember, change: () => T): Promise<T> => {
    options.crash?.(`${member}.before`)
    await Promise.resolve()
    const result = change()
    options.crash?.(`${member}.after`)
    return result
  }
  const turnAt = (ordinal: number): Turn => {
    const turn = rows.turns[ordinal]
    if (!turn) throw new Error(`turn ${ordinal} has not been answered`)
    return turn
  }
  const close = (id: string, state: 'settled' | 'free' | 'unknown') => {
    if (rows.reservations.get(id) !== 'reserved') throw new Error(`${id} is ${rows.reservations.get(id)}`)
    rows.reservations.set(id, state)
  }
  return {
    activities,
    open: (opening) =>
      write('open', () => {
        rows.opening ??= JSON.stringify(opening)
        rows.log.push('open')
        return {
          opening: shuffled(rows.opening) as AgentOpening,
          turns: shuffled(JSON.stringify(rows.turns)) as Turn[],
        }
      }),
    reserve: (call) =>
      write('reserve', () => {
        if (call.ordinal !== rows.turns.length) throw new Error(`turn ${call.ordinal} is not the next one`)
        if (options.budgetCalls !== undefined && rows.reservations.size >= options.budgetCalls) {
          throw new JourneymanError('budget_exceeded', 'The budget of $1.00 for this run is used up.')
        }
        const id = `reservation ${rows.reservations.size}`
        rows.reservations.set(id, 'reserved')
        rows.reserved.push(call.inputTokens)
        rows.log.push(`reserve ${call.ordinal} ${call.model}`)
        return { id, amount: call.inputTokens + call.maxOutputTokens }
      }),
    answered: (ordinal, response, reservation) =>
      write('answered', () => {
        if (ordinal !== rows.turns.length) throw new Error(`turn ${ordinal} is paid already`)
        const before = rows.turns.at(-1)
        if (before && before.results === null) throw new Error(`turn ${ordinal} came before the tools of the last`)
        close(reservation.id, 'settled')
        const usage = response.usage ?? { ...noUsage, input: reservation.amount }
        const { content, stopReason, model } = response
        const row = { ordinal, model, content, stopReason, results: null, snapshot: null, usage, cost: 10 }
        rows.turns.push(structuredClone(row))
        rows.log.push(`answered ${ordinal}`)
        return { usage, cost: 10 }
      }),
    gaveNothing: (reservation, charge, note) =>
      write('gaveNothing', () => {
        close(reservation.id, charge)
        rows.log.push(`${charge} ${note.split(':')[0]}`)
      }),
    toolsDone: (ordinal, results) =>
      write('toolsDone', () => {
        const turn = turnAt(ordinal)
        if (turn.results !== null) throw new Error(`turn ${ordinal} has results already`)
        const before = rows.turns[ordinal - 1]
        if (before && before.snapshot === null) throw new Error(`the tools of ${ordinal} ran before the last snapshot`)
        turn.results = structuredClone(results)
        rows.log.push(`toolsDone ${ordinal}`)
      }),
    snapshotTaken: (ordinal, commit) =>
      write('snapshotTaken', () => {
        const turn = turnAt(ordinal)
        if (turn.results === null) throw new Error(`snapshot of ${ordinal} before its results`)
        if (turn.snapshot !== null) throw new Error(`turn ${ordinal} has a snapshot already`)
        turn.snapshot = commit
        rows.log.push(`snapshotTaken ${ordinal}`)
      }),
    activity: (text) => void activities.push(text),
  }
}

/** JSON with the keys of every object turned round. */
const shuffled = (json: string): unknown =>
  JSON.parse(json, (_, value) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).reverse())
      : value,
  )
