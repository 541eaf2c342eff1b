import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ErrorCode, failureOf, JourneymanError } from '../domain/errors.ts'
import { runIt, submit, task, view } from './testing/agent-under-test.ts'
import { type FolderWorkspace, folderWorkspace } from './testing/folder-workspace.ts'
import { memoryJournal, newRows } from './testing/memory-journal.ts'
import { type ScriptedAnswer, scriptedProvider } from './testing/scripted-provider.ts'

let workspace: FolderWorkspace
beforeEach(async () => {
  workspace = await folderWorkspace({ 'a.txt': 'a\n' })
})
afterEach(() => workspace.remove())

const failure = (code: ErrorCode, more: { retryAfterMs?: number; charge?: string } = {}): ScriptedAnswer => {
  const { charge, ...rest } = more
  return { error: new JourneymanError(code, `it is ${code}`, { ...rest, ...(charge && { detail: { charge } }) }) }
}

describe('a call that fails', () => {
  it.each([
    ['rate_limited', 'free'],
    ['overloaded', 'free'],
    ['unavailable', 'unknown'],
    ['timeout', 'unknown'],
  ] as const)('%s is tried again, each try with its own reservation, the failed one %s', async (code, charge) => {
    const rows = newRows()
    const provider = scriptedProvider((_turn, _request, repeat) =>
      repeat === 0 ? failure(code) : { calls: [submit()] },
    )
    const outcome = await runIt({ provider, journal: memoryJournal(rows), workspace })
    expect(outcome).toMatchObject({ turns: 1, models: ['big'] })
    expect([...rows.reservations.values()]).toEqual([charge, 'settled'])
  })

  it("is charged by the provider's own word where there is one", async () => {
    const rows = newRows()
    const answers = [failure('unavailable', { charge: 'free' }), failure('overloaded', { charge: 'unknown' })]
    const provider = scriptedProvider((_turn, _request, repeat) => answers[repeat] ?? { calls: [submit()] })
    await runIt({ provider, journal: memoryJournal(rows), workspace })
    expect([...rows.reservations.values()]).toEqual(['free', 'unknown', 'settled'])
  })

  it('goes to the fallback when the tries are used up, and stays with it', async () => {
    const rows = newRows()
    const provider = scriptedProvider((turn, request) => {
      if (turn === 1 && request.model === 'big') return failure('overloaded')
      return turn < 3 ? { calls: [view('a.txt')] } : { calls: [submit()] }
    })
    const outcome = await runIt({ provider, journal: memoryJournal(rows), workspace })
    expect(outcome.models).toEqual(['big', 'small'])
    expect(provider.requests.map((request) => request.model)).toEqual([
      'big',
      'big',
      'big',
      'big',
      'small',
      'small',
      'small',
    ])
  })

  it('stays with the fallback in the worker that resumes', async () => {
    const rows = newRows()
    const script = (turn: number, request: { model: string }): ScriptedAnswer => {
      if (turn === 0 && request.model === 'big') return failure('overloaded')
      return turn === 0 ? { calls: [view('a.txt')] } : { calls: [submit()] }
    }
    const dying = memoryJournal(rows, {
      crash: (at) => {
        if (at === 'toolsDone.before') throw new Error('killed')
      },
    })
    await runIt({ provider: scriptedProvider(script), journal: dying, workspace }).catch(() => undefined)
    const second = scriptedProvider(script)
    await runIt({ provider: second, journal: memoryJournal(rows), workspace })
    expect(second.requests.map((request) => request.model)).toEqual(['small'])
  })

  it('takes the fallback at once when the model does not exist', async () => {
    const provider = scriptedProvider((_turn, request) =>
      request.model === 'big' ? failure('not_found') : { calls: [submit()] },
    )
    await runIt({ provider, journal: memoryJournal(newRows()), workspace })
    expect(provider.requests.map((request) => request.model)).toEqual(['big', 'small'])
  })

  it('is told as it is when the fallback fails too', async () => {
    const rows = newRows()
    const provider = scriptedProvider(() => failure('overloaded'))
    const told = await runIt({ provider, journal: memoryJournal(rows), workspace }).catch(failureOf)
    expect(told).toMatchObject({ code: 'overloaded', message: 'it is overloaded' })
    expect(provider.requests).toHaveLength(6)
    expect([...rows.reservations.values()].every((state) => state === 'free')).toBe(true)
  })

  it.each(['unauthenticated', 'forbidden', 'invalid_input', 'too_large', 'internal'] as const)(
    '%s is not tried again',
    async (code) => {
      const provider = scriptedProvider(() => failure(code))
      const told = await runIt({ provider, journal: memoryJournal(newRows()), workspace }).catch(failureOf)
      expect(told).toMatchObject({ code })
      expect(provider.requests).toHaveLength(1)
    },
  )

  it('is not waited for longer than the settings allow; the time that was asked for goes up with the error', async () => {
    const provider = scriptedProvider(() => failure('rate_limited', { retryAfterMs: 3_600_000 }))
    const models = { primary: 'big', fallback: null }
    const told = await runIt({ provider, journal: memoryJournal(newRows()), workspace, task: task({ models }) }).catch(
      failureOf,
    )
    expect(told).toMatchObject({ code: 'rate_limited', retryAfterMs: 3_600_000 })
    expect(provider.requests).toHaveLength(1)
  })

  it('is waited for as long as the provider asks, and people are told', async () => {
    const provider = scriptedProvider((_turn, _request, repeat) =>
      repeat === 0 ? failure('rate_limited', { retryAfterMs: 60 }) : { calls: [submit()] },
    )
    const journal = memoryJournal(newRows())
    await runIt({ provider, journal, workspace }, { retry: { maxRetries: 1, maxRetryWaitSeconds: 1 } })
    expect(journal.activities).toContain('waiting 1 s for the model (rate limited)')
  })

  it('ends at once when it is stopped while it waits, and says who stopped it', async () => {
    const stop = new AbortController()
    const provider = scriptedProvider(() => {
      setTimeout(() => stop.abort(new JourneymanError('stopped', 'Stopped by anna.')), 5)
      return failure('rate_limited', { retryAfterMs: 60_000 })
    })
    const rows = newRows()
    const told = await runIt(
      { provider, journal: memoryJournal(rows), workspace, signal: stop.signal },
      { retry: { maxRetries: 3, maxRetryWaitSeconds: 100 } },
    ).catch(failureOf)
    expect(told).toEqual({ code: 'stopped', message: 'Stopped by anna.' })
    expect([...rows.reservations.values()]).toEqual(['free'])
  })
})

describe('a reservation', () => {
  it('is never below what the call came to, and does not ask the network', async () => {
    const rows = newRows()
    const provider = scriptedProvider((turn) =>
      turn < 6 ? { text: 'Looking.', calls: [view('a.txt')] } : { calls: [submit()] },
    )
    await runIt({
      provider: { ...provider, countTokens: () => expect.fail('counted over the network') },
      journal: memoryJournal(rows),
      workspace,
    }).catch((error) => expect(error.code).toBe('limit_reached'))
    expect(rows.turns.length).toBeGreaterThan(2)
    for (const [index, turn] of rows.turns.entries())
      expect(rows.reserved[index]).toBeGreaterThanOrEqual(turn.usage.input)
  })

  it('ends the conversation when the budget does not hold, and says what was done', async () => {
    const rows = newRows()
    const provider = scriptedProvider(() => ({ calls: [view('a.txt')] }))
    const journal = memoryJournal(rows, { budgetCalls: 2 })
    const told = await runIt({ provider, journal, workspace }).catch(failureOf)
    expect(told).toMatchObject({ code: 'budget_exceeded' })
    expect((told as { message: string }).message).toBe(
      'The budget of $1.00 for this run is used up. In 2 turns it changed no file and ran no command.',
    )
    expect(provider.requests).toHaveLength(2)
  })

  it('is charged whole by the ledger when the usage is not known', async () => {
    const rows = newRows()
    const provider = scriptedProvider((turn) =>
      turn === 0 ? { calls: [view('a.txt')], usage: null } : { calls: [submit()] },
    )
    const outcome = await runIt({ provider, journal: memoryJournal(rows), workspace })
    expect(outcome.usage.input).toBeGreaterThan(rows.reserved[0] as number)
  })
})
