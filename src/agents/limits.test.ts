import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failureOf, JourneymanError } from '../domain/errors.ts'
import type { AgentLimits } from './contract.ts'
import { edit, runIt, sh, submit, task, view } from './testing/agent-under-test.ts'
import { type FolderWorkspace, folderWorkspace } from './testing/folder-workspace.ts'
import { type JournalRows, memoryJournal, newRows } from './testing/memory-journal.ts'
import { type ScriptedAnswer, scriptedProvider } from './testing/scripted-provider.ts'

let workspace: FolderWorkspace
let rows: JournalRows
beforeEach(async () => {
  workspace = await folderWorkspace({ 'a.txt': 'one\n' })
  rows = newRows()
})
afterEach(() => workspace.remove())

const limits = (change: Partial<AgentLimits>) => task({ limits: { ...task().limits, ...change } })
const run = (script: (turn: number) => ScriptedAnswer, change: Partial<AgentLimits> = {}, signal?: AbortSignal) =>
  runIt({
    provider: scriptedProvider(script),
    journal: memoryJournal(rows),
    workspace,
    task: limits(change),
    ...(signal && { signal }),
  })
const told = async (...args: Parameters<typeof run>) => failureOf(await run(...args).catch((error: unknown) => error))
const words = (ordinal: number) =>
  rows.turns[ordinal]?.results?.filter((result) => result.toolUseId === '').map((result) => result.content)

describe('turns', () => {
  it('end with a last chance to submit', async () => {
    const outcome = await run((turn) => (turn < 2 ? { calls: [sh(`echo ${turn}`)] } : { calls: [submit()] }), {
      maxTurns: 3,
    })
    expect(outcome.turns).toBe(3)
    expect(words(1)?.[0]).toContain('You have one turn left. Call `submit` now')
  })

  it('end in words for people when the chance is not taken', async () => {
    const failure = await told(
      (turn) => ({ calls: turn === 0 ? [edit('a.txt', 'one', 'two')] : [sh(`echo ${turn}`)] }),
      { maxTurns: 3 },
    )
    expect(failure).toMatchObject({ code: 'limit_reached', detail: { limit: 'turns', turns: 3 } })
    expect(failure.message).toBe(
      'The development agent was ended at its limit: 3 turns. In 3 turns it changed `a.txt` and ran 2 commands (the last: `echo 2`).',
    )
    expect(failure.nextAction).toContain('agents.development')
  })

  it('end the same way in a worker that finds them used up', async () => {
    const forever = (turn: number) => ({ calls: [sh(`echo ${turn}`)] })
    await told(forever, { maxTurns: 2 })
    expect(await told(forever, { maxTurns: 2 })).toMatchObject({ code: 'limit_reached' })
    expect(rows.turns).toHaveLength(2)
  })
})

describe('tokens', () => {
  it('are counted over the turns, with a word before they run out', async () => {
    const failure = await told((turn) => ({ calls: [sh(`echo ${turn} ${'x'.repeat(400)}`)] }), { maxTokens: 3000 })
    expect(failure).toMatchObject({ code: 'limit_reached', detail: { limit: 'tokens' } })
    expect(rows.turns.flatMap((_, ordinal) => words(ordinal)).join()).toContain('Your tokens are nearly used up.')
  })
})

describe('time', () => {
  it('ends a call that would outlive it', async () => {
    const hanging = scriptedProvider(() => ({}))
    const provider = {
      ...hanging,
      complete: (_: unknown, signal: AbortSignal) =>
        new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    }
    const failure = await runIt({
      provider,
      journal: memoryJournal(rows),
      workspace,
      task: limits({ maxMinutes: 0.001 }),
    }).catch(failureOf)
    expect(failure).toMatchObject({ code: 'limit_reached', detail: { limit: 'minutes' } })
    expect([...rows.reservations.values()]).toEqual(['unknown'])
  })

  it('ends a command too', async () => {
    const failure = await told(() => ({ calls: [sh('sleep 20')] }), { maxMinutes: 0.004 })
    expect(failure).toMatchObject({ code: 'limit_reached', message: expect.stringContaining('0.004 minutes') })
    expect(rows.turns[0]?.results).toBeNull()
  })
})

describe('repetition', () => {
  it('is warned of, then ended', async () => {
    const failure = await told(() => ({ calls: [view('a.txt')] }), { maxRepetitions: 3 })
    expect(failure).toMatchObject({ code: 'limit_reached', detail: { limit: 'repetition' } })
    expect(rows.turns).toHaveLength(3)
    expect(words(1)?.[0]).toContain('2 times, with the same result')
  })

  it('is not seen in looking again after an edit', async () => {
    const outcome = await run(
      (turn) => {
        if (turn === 6) return { calls: [submit()] }
        return {
          calls:
            turn % 2
              ? [view('a.txt')]
              : [edit('a.txt', `${'+'.repeat(turn / 2)}one`, `${'+'.repeat(turn / 2 + 1)}one`), sh('true')],
        }
      },
      { maxRepetitions: 2 },
    )
    expect(outcome.turns).toBe(7)
  })

  it('is seen in going back and forth', async () => {
    const failure = await told(
      (turn) => ({ calls: [turn % 2 ? edit('a.txt', 'two', 'one') : edit('a.txt', 'one', 'two')] }),
      { maxRepetitions: 3 },
    )
    expect(failure).toMatchObject({ code: 'limit_reached', detail: { limit: 'repetition' } })
    expect(rows.turns.length).toBeLessThan(8)
  })
})

describe('a stop', () => {
  it.each(['stopped', 'shutting_down', 'stale_epoch'] as const)(
    'in a command is told as its reason: %s',
    async (code) => {
      const stop = new AbortController()
      setTimeout(() => stop.abort(new JourneymanError(code, 'why')), 50)
      expect(await told(() => ({ calls: [sh('sleep 20')] }), {}, stop.signal)).toEqual({ code, message: 'why' })
    },
  )

  it('in a call to the model is told as its reason too, whatever the provider threw', async () => {
    const stop = new AbortController()
    const provider = {
      ...scriptedProvider(() => ({})),
      complete: async () => {
        stop.abort(new JourneymanError('shutting_down', 'why'))
        throw new Error('socket hang up')
      },
    }
    const failure = await runIt({ provider, journal: memoryJournal(rows), workspace, signal: stop.signal }).catch(
      failureOf,
    )
    expect(failure).toEqual({ code: 'shutting_down', message: 'why' })
    expect([...rows.reservations.values()]).toEqual(['unknown'])
  })

  it('does not hide a lost claim', async () => {
    const stop = new AbortController()
    const journal = memoryJournal(rows, {
      crash: (at) => {
        if (at !== 'toolsDone.before') return
        stop.abort(new JourneymanError('stopped', 'Stopped by anna.'))
        throw new JourneymanError('stale_epoch', 'lost')
      },
    })
    const provider = scriptedProvider(() => ({ calls: [sh('true')] }))
    const failure = await runIt({ provider, journal, workspace, signal: stop.signal }).catch(failureOf)
    expect(failure).toMatchObject({ code: 'stale_epoch' })
  })

  it('without a reason of ours is "stopped"', async () => {
    const stop = new AbortController()
    stop.abort()
    expect(await told(() => ({ calls: [submit()] }), {}, stop.signal)).toMatchObject({ code: 'stopped' })
    expect(rows.turns).toHaveLength(0)
  })
})

describe('a model that does not do as it should', () => {
  it('is reminded to submit, twice, and then ended', async () => {
    const failure = await told(() => ({ text: 'All done!' }))
    expect(failure).toMatchObject({ code: 'malformed_output' })
    expect(words(0)?.[0]).toContain('submit')
    expect(rows.turns).toHaveLength(3)
  })

  it('may be silent: an empty answer can be sent back', async () => {
    const provider = scriptedProvider((turn) => (turn === 0 ? { text: ' ' } : { calls: [submit()] }))
    await runIt({ provider, journal: memoryJournal(rows), workspace })
    expect(provider.requests[1]?.messages[1]).toMatchObject({ content: [{ text: '(no answer)' }] })
  })

  it('is told that it was cut off', async () => {
    await run((turn) => (turn === 0 ? { text: 'Once upon', stopReason: 'max_tokens' } : { calls: [submit()] }))
    expect(words(0)).toEqual([expect.stringContaining('cut off')])
  })

  it('goes on after a pause', async () => {
    await run((turn) => (turn === 0 ? { text: 'Hm.', stopReason: 'pause_turn' } : { calls: [submit()] }))
    expect(words(0)).toEqual(['Go on.'])
  })

  it('that declines ends the conversation in words', async () => {
    const failure = await told(() => ({ text: 'I cannot.', stopReason: 'refusal' }))
    expect(failure).toMatchObject({ code: 'malformed_output', message: expect.stringContaining('declined') })
    expect(rows.turns).toHaveLength(1)
  })

  it('hears which tools there are when it calls another', async () => {
    await run((turn) => ({ calls: [turn === 0 ? { name: 'rm -rf', input: {} } : submit()] }))
    expect(rows.turns[0]?.results?.[0]).toMatchObject({
      isError: true,
      content: expect.stringContaining('There are: str_replace'),
    })
    expect(rows.turns[0]?.content[0]).toMatchObject({ name: 'rm_-rf' })
  })

  it('hears what is wrong with its arguments, key by key', async () => {
    await run((turn) => {
      if (turn === 0) return { calls: [submit({ title: '', tests: 'none' })] }
      if (turn === 1) return { calls: [{ name: 'bash', input: { unreadable_arguments: '{"comm' } }] }
      if (turn === 2) return { calls: [{ name: 'bash', input: 'ls' }] }
      return { calls: [submit()] }
    })
    expect(rows.turns[0]?.results?.[0]?.content).toMatch(/- title: .*\n- tests: /s)
    expect(rows.turns.slice(0, 3).map((turn) => turn.results?.[0]?.isError)).toEqual([
      true,
      expect.any(Boolean),
      expect.any(Boolean),
    ])
  })

  it('cannot submit over the failure of another call of the same turn', async () => {
    const outcome = await run((turn) => ({ calls: turn === 0 ? [submit(), edit('a.txt', 'absent', 'x')] : [submit()] }))
    expect(outcome.turns).toBe(2)
    expect(rows.turns[0]?.results?.[0]).toMatchObject({
      isError: true,
      content: expect.stringContaining('Not submitted'),
    })
  })

  it('is heard up to a number of calls in one turn', async () => {
    const many = Array.from({ length: 40 }, (_, index) => sh(`echo ${index} >> many`))
    await run((turn) => ({ calls: turn === 0 ? many : [submit()] }), { maxRepetitions: 100 })
    expect(rows.turns[0]?.results).toHaveLength(40)
    expect((await workspace.tree())['many']?.trim().split('\n')).toHaveLength(32)
  })

  it('may write what no database keeps', async () => {
    await run((turn) => {
      if (turn === 0) return { text: 'a\0b\ud800', calls: [sh(`printf 'x\\0y'`)] }
      return { calls: [submit({ summary: 'nul \0 and half \udc00' })] }
    })
    expect(JSON.stringify(rows.turns)).not.toMatch(/\\u0000|\\ud800|\\udc00/)
  })
})
