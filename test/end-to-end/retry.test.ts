import { expect, it } from 'vitest'
import { listRuns } from '../../src/store/runs.ts'
import { describeOnEachHouse, type House, progressComments, until } from './house.ts'
import { answersByTurn, expectInvariants, leftOnDisk } from './invariants.ts'
import { journeyman } from './journeyman.ts'
import { quickFiles } from './kill.ts'

const toldOf = (house: House, end: string) =>
  until(`the comment says ${end}`, async () => progressComments(house).some(({ body }) => body.startsWith(`**${end}`)))

const newestRun = async (house: House) => {
  const [run] = await house.look(({ db }) => listRuns(db, { limit: 1 }))
  if (!run) throw new Error('There is no run.')
  return run
}

describeOnEachHouse('journeyman retry', (open) => {
  it('goes on with a run whose pull request was refused: one pull request, one comment, and no turn paid twice', async () => {
    const house = await open({ files: quickFiles })
    const refused = { kind: 'status', status: 422, body: { message: 'Validation Failed' } } as const
    house.world.github.faults.push({ method: 'POST', path: /\/pulls$/, times: 1, fault: refused })
    const server = await house.spawn()
    await house.label()
    await toldOf(house, 'Failed')
    expect(house.repository.pulls()).toEqual([])
    const say = (...args: string[]) => journeyman(args, { cwd: house.folder, environment: house.environment })
    const { runs } = JSON.parse((await say('status', '--json')).out) as { runs: { id: string }[] }
    const id = runs[0]?.id ?? 'none'
    // The work tree is gone, the snapshots are not.
    await until('only the snapshots are left', async () =>
      (await leftOnDisk(house, id)).every((name) => /^\d+(\/(git|state\.json))?$/.test(name)),
    )
    expect(await leftOnDisk(house, id)).not.toEqual([])

    const retried = await say('retry', id, '--json')
    expect(retried.err).toBe('')
    expect(JSON.parse(retried.out)).toMatchObject({ run: id })
    await toldOf(house, 'Done')
    expect((await say('retry', id)).err).toContain(`The run ${id} is done`)
    server.kill('SIGTERM')
    expect(await server.ended).toBe(0)
    const run = await newestRun(house)
    expect(run).toMatchObject({ id, state: 'done', failure: null })
    expect(house.repository.pulls()).toHaveLength(1)
    expect(answersByTurn(house)).toEqual([1, 1, 1, 1, 1])
    await expectInvariants(house, run)
  })
})
