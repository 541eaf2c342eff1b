import { expect, it } from 'vitest'
import type { ScriptedTurn } from '../../src/world/contract.ts'
import { demoScript } from '../../src/world/demo/demo-script.ts'
import { describeOnEachHouse, ended, progressComments, until } from './house.ts'
import { answersByTurn, expectInvariants } from './invariants.ts'
import { quickFiles } from './kill.ts'

const bash = (command: string): ScriptedTurn => ({ tools: [{ name: 'bash', input: { command } }] })

describeOnEachHouse('the end of a run', (open, kind) => {
  it.skipIf(kind === 'pglite')('comes when the budget is used up, with the reason and what to do', async () => {
    const house = await open({ files: quickFiles })
    await house.start({ runs: { max_cost_usd: 0.26 } })
    await house.label()
    const run = await ended(house)
    expect(run.state).toBe('failed')
    expect(run.failure?.code).toBe('budget_exceeded')
    const [comment] = progressComments(house)
    expect(comment?.body).toMatch(/^\*\*Failed\*\*/)
    expect(comment?.body).toContain('of $0.26')
    expect(comment?.body).toContain('**What you can do:**')
    expect(house.repository.issue(house.issue.number).labels).toEqual(['ai:failed'])
    expect(house.repository.pulls()).toEqual([])
    await expectInvariants(house, run)
  })

  it.skipIf(kind === 'pglite')('is not brought about by a provider that is busy, limited or cut off', async () => {
    const faults: ScriptedTurn['fault'][] = [
      { kind: 'status', status: 429, retryAfter: '0' },
      { kind: 'status', status: 529 },
      { kind: 'cut', afterEvents: 3 },
      { kind: 'error_event', type: 'overloaded_error', afterEvents: 2 },
    ]
    const house = await open({
      files: quickFiles,
      script: (request) => {
        const fault = request.turn < faults.length && request.repeat === 0 ? faults[request.turn] : undefined
        return { ...(demoScript(request) as ScriptedTurn), ...(fault && { fault }) }
      },
    })
    const app = await house.start()
    await house.label()
    const run = await ended(house)
    expect(run.failure).toBeNull()
    expect(house.repository.pulls()).toHaveLength(1)
    expect(answersByTurn(house)).toEqual([1, 1, 1, 1, 1])
    const charges = await app.database().db.selectFrom('cost_tracking').select(['state', 'cost']).execute()
    // Refused calls are free; what was cut off may have been paid for, so its reserve stays charged.
    expect(charges.filter((charge) => charge.state === 'forfeited').length).toBeGreaterThanOrEqual(1)
    expect(charges.filter((charge) => charge.state === 'settled' && charge.cost === 0).length).toBeGreaterThanOrEqual(2)
    await expectInvariants(house, run)
  })

  it('comes within seconds of /ai stop, also in the middle of a command', async () => {
    const house = await open({ files: quickFiles, script: () => bash('sleep 300') })
    const app = await house.start()
    await house.label()
    await until('the command runs', async () => progressComments(house).some(({ body }) => body.includes('sleep 300')))
    await house.repository.comment(house.issue.number, '/ai stop', house.alice)
    const run = await ended(house)
    expect(run.state).toBe('stopped')
    expect(progressComments(house)[0]?.body).toMatch(/^\*\*Stopped by alice\*\*/)
    const { db } = app.database()
    const delivery = await db
      .selectFrom('deliveries')
      .select('disposition')
      .where('type', '=', 'issue_comment.created')
      .execute()
    expect(delivery).toEqual([{ disposition: 'signalled' }])
    await expectInvariants(house, run)
  })

  if (kind === 'pglite') return

  it('is not brought about by a worker that only seemed dead', async () => {
    const house = await open({
      files: quickFiles,
      script: (request) => (request.turn === 1 ? slow(request) : demoScript(request)),
    })
    const zombie = await house.spawn()
    await house.label()
    await until('the model is asked for its second turn', async () => house.world.claude.calls >= 2)
    zombie.kill('SIGSTOP')
    const heir = await house.spawn({}, ['--only', 'worker'])
    await until('the other has gone on', async () => house.world.claude.calls >= 3)
    zombie.kill('SIGCONT')
    const run = await ended(house)
    expect(run.failure).toBeNull()
    expect(house.repository.pulls()).toHaveLength(1)
    await expectInvariants(house, run)
    zombie.kill('SIGTERM')
    heir.kill('SIGTERM')
    expect([await zombie.ended, await heir.ended]).toEqual([0, 0])
  })

  it('is reached by another process when this one is asked to end', async () => {
    const house = await open({
      files: quickFiles,
      script: (request) => (request.turn === 1 && request.repeat === 0 ? slow(request) : demoScript(request)),
    })
    const first = await house.spawn()
    await house.label()
    await until('the model is asked for its second turn', async () => house.world.claude.calls >= 2)
    first.kill('SIGTERM')
    expect(await first.ended).toBe(0)
    await house.spawn()
    const run = await ended(house)
    expect(run.failure).toBeNull()
    await expectInvariants(house, run)
  })
})

const slow = async (request: Parameters<typeof demoScript>[0]): Promise<ScriptedTurn> => {
  await new Promise((resolve) => setTimeout(resolve, 4_000))
  return demoScript(request)
}
