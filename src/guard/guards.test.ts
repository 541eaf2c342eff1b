import { sql } from 'kysely'
import { beforeAll, beforeEach, expect, it } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import { memoryHost } from '../../test/fakes/memory-version-control.ts'
import { memoryWorkspaces } from '../../test/fakes/memory-workspaces.ts'
import { type ErrorCode, failureOf, JourneymanError } from '../domain/errors.ts'
import type { AiProvider, ModelRequest } from '../plugins/ai-provider/contract.ts'
import { loadBreakers } from '../store/circuit-breakers.ts'
import type { Workspaces } from '../workspace/contract.ts'
import { type Breakers, createBreakers } from './breakers.ts'
import { guardAiProvider } from './guard-ai-provider.ts'
import { guardPlugin } from './guard-plugin.ts'
import { guardWorkspaces } from './guard-workspaces.ts'

const signal = new AbortController().signal

describeOnEachDatabase('what is guarded', (open) => {
  let database: TestDatabase
  let breakers: Breakers
  beforeAll(async () => {
    database = await open()
  })
  beforeEach(async () => {
    await sql`delete from circuit_breakers`.execute(database.db)
    const settings = () => ({ failures: 2, openSeconds: 30, mostOpenSeconds: 600 })
    breakers = createBreakers({ db: database.db, owner: 'test', settings, log: () => undefined, refreshMs: 0 })
  })
  const due = () => sql`update circuit_breakers set retry_at = now() - interval '1 second'`.execute(database.db)
  const states = async () =>
    Object.fromEntries((await loadBreakers(database.db)).map(({ service, state }) => [service, state]))

  const plugin = () => {
    const calls: string[] = []
    let code: ErrorCode | null = null
    const member = (name: string) => async (given: string) => {
      calls.push(name)
      if (code !== null) throw new JourneymanError(code, 'No.', { retryAfterMs: 5, detail: { status: 502 } })
      return `${name} ${given}`
    }
    const made = { name: 'tracker', read: member('read'), token: member('token'), check: member('check'), limit: 7 }
    const guarded = guardPlugin(made, breakers, { always: ['check'], remembered: ['token'] })
    return {
      guarded,
      calls,
      fail: (as: ErrorCode | null) => {
        code = as
      },
    }
  }

  it('says of each failure whose it is, and keeps what it says', async () => {
    const { guarded, fail } = plugin()
    expect(await guarded.read('it')).toBe('read it')
    expect(guarded.limit).toBe(7)
    fail('conflict')
    expect(await guarded.read('it').catch(failureOf)).toEqual({
      code: 'conflict',
      message: 'No.',
      service: 'tracker',
      retryAfterMs: 5,
      detail: { status: 502 },
    })
    fail('stopped')
    expect(await guarded.read('it').catch(failureOf)).not.toHaveProperty('service')
  })

  it('is refused as a whole before its first request, but for what must always be asked', async () => {
    const { guarded, calls, fail } = plugin()
    fail('unavailable')
    for (let count = 0; count < 2; count++) await guarded.read('it').catch(failureOf)
    fail(null)
    calls.length = 0
    await expect(guarded.read('it')).rejects.toMatchObject({
      service: 'tracker',
      message: /^Tracker has not answered 2/,
    })
    await expect(guarded.token('it')).rejects.toMatchObject({ code: 'unavailable' })
    expect(await guarded.check('it')).toBe('check it')
    expect(calls).toEqual(['check'])
  })

  it('is not proven well by what is remembered', async () => {
    const { guarded, fail } = plugin()
    fail('timeout')
    await guarded.read('it').catch(failureOf)
    fail(null)
    await guarded.token('it')
    fail('timeout')
    await guarded.read('it').catch(failureOf)
    fail(null)
    expect(await states()).toEqual({ tracker: 'open' })
    await due()
    expect(await guarded.token('it')).toBe('token it')
    expect(await states()).toEqual({ tracker: 'open' })
    await guarded.read('it')
    expect(await states()).toEqual({ tracker: 'closed' })
  })

  const models = () => {
    const asked: string[] = []
    const ends: Record<string, ErrorCode | undefined> = {}
    const provider: AiProvider = {
      name: 'anthropic',
      complete: async ({ model }) => {
        asked.push(model)
        const code = ends[model]
        if (code) throw new JourneymanError(code, 'No.', { detail: { charge: 'unknown' } })
        return { model, content: [], stopReason: 'end_turn', usage: null }
      },
      countTokens: async () => 7,
      estimateTokens: () => 20,
      check: async () => ({ account: 'ours' }),
    }
    const guarded = guardAiProvider(provider, breakers)
    const request = (model: string): ModelRequest => ({
      model,
      system: [],
      tools: [],
      messages: [],
      maxOutputTokens: 9,
    })
    const ask = (model: string, by = signal) => guarded.complete(request(model), by).catch(failureOf)
    return { guarded, asked, ends, ask, request }
  }

  it('leaves another model to be asked while one is too busy', async () => {
    const { asked, ends, ask } = models()
    ends['large'] = 'overloaded'
    for (let count = 0; count < 4; count++) await ask('large')
    expect(asked).toEqual(['large', 'large'])
    expect(await ask('large')).toMatchObject({
      message: expect.stringMatching(/^large \(Anthropic\) has not answered 2 times in a row; it is tried again at /),
      service: 'anthropic',
      detail: { charge: 'free' },
    })
    expect(await ask('small')).toMatchObject({ model: 'small' })
    expect(await states()).toEqual({ 'anthropic/large': 'open' })
  })

  it('asks no model of a service whose streams are cut, and then one', async () => {
    const { guarded, asked, ends, ask, request } = models()
    ends['large'] = 'unavailable'
    for (let count = 0; count < 2; count++) await ask('large')
    expect(await ask('small')).toMatchObject({ code: 'unavailable', detail: { breaker: 'open' } })
    expect(asked).toEqual(['large', 'large'])
    expect(await guarded.countTokens(request('small'), signal)).toBe(20)
    expect(await guarded.check(signal)).toEqual({ account: 'ours' })
    await due()
    expect(await ask('small')).toMatchObject({ model: 'small' })
    expect(await states()).toEqual({ anthropic: 'closed' })
  })

  it('learns nothing from a call that was stopped', async () => {
    const { ends, ask } = models()
    ends['large'] = 'unavailable'
    for (let count = 0; count < 3; count++) await ask('large', AbortSignal.abort())
    expect(await states()).toEqual({})
  })

  it('counts what became of git over HTTP, and nothing of what went wrong on our disk', async () => {
    let error: JourneymanError | null = null
    const memory = memoryWorkspaces(memoryHost(), {})
    const failing: Workspaces = {
      ...memory,
      open: async () => {
        throw error
      },
    }
    const guarded = guardWorkspaces(failing, breakers, 'github')
    const openOne = () => guarded.open({} as never, signal).catch(failureOf)
    error = new JourneymanError('unavailable', 'The disk is full.', { detail: { exitCode: 128 } })
    for (let count = 0; count < 3; count++) expect(await openOne()).not.toHaveProperty('service')
    expect(await states()).toEqual({})
    error = new JourneymanError('unavailable', 'It broke off.', { detail: { remote: true } })
    for (let count = 0; count < 2; count++) expect(await openOne()).toMatchObject({ service: 'github' })
    expect(await states()).toEqual({ github: 'open' })
  })
})
