import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { isLive } from '../../src/domain/run.ts'
import { listRuns, requestStop } from '../../src/store/runs.ts'
import { describeOnEachHouse, ended, type House, progressComments, until } from './house.ts'
import { expectInvariants } from './invariants.ts'

const workflow = `name: ask
description: Asks, and waits for a label
version: "1.0.0"
on: [ { event: issue.labeled, label: ai } ]
steps:
  - name: agree
    description: Agree on the title
    type: approval
    shows: { title: "\${task.title}", why: "See \`a\` @octocat" }
    approvers: [ "role:write" ]
    timeout: 3600
  - name: wait_for_label
    description: Wait for a label
    type: wait
    event: issue.labeled
    timeout: 3600
`

/** The house runs that workflow alone. */
const asking = async (house: House) => {
  const folder = join(house.folder, 'asking')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'ask.yaml'), workflow)
  return { workflows: { folder } }
}
const body = (house: House) => progressComments(house).at(-1)?.body ?? ''

describeOnEachHouse('people are asked, and answer', (open, kind) => {
  it('in a comment: an edit asks them again, whoever may not is told so once, and the event that is waited for ends it', async () => {
    const house = await open()
    const app = await house.start(await asking(house))
    const { repository, issue, alice } = house
    await house.label()
    await until('it asks', async () => body(house).startsWith('**Waiting for approval**'))
    const mallory = house.world.github.addUser('mallory')
    repository.setPermission('mallory', 'read')
    for (const _ of [1, 2]) await repository.comment(issue.number, '/ai approve', mallory)
    repository.editIssue(issue.number, { body: 'Something else altogether.' })
    await repository.comment(issue.number, 'Fine by me.\n\n/ai approve', alice)
    await until('it asks again', async () => body(house).includes('Asked again, for the 2nd time'))
    await repository.comment(issue.number, '/ai approve agree now it is right', alice)
    await until('it waits for the label', async () => body(house).startsWith('**Waiting for a label until '))
    await repository.label(issue.number, 'go', alice)
    const run = await ended(house)
    expect(run.failure).toBeNull()
    // A thumb waits while the run's comment is written; which may be until after its end.
    const { db } = app.database()
    const thumbs = db.selectFrom('effects').select('state').where('key', 'like', 'reaction.thumb:%')
    const confirmed = thumbs.where('state', '=', 'confirmed')
    await until('every yes has its thumb', async () => (await confirmed.execute()).length === 2)
    expect(await thumbs.execute()).toHaveLength(2)
    expect(body(house)).toMatch(/^\*\*Done\*\* · 2 of 2 steps/)
    const others = () => repository.comments(issue.number).filter(({ body }) => body.includes('journeyman:answer'))
    await until('mallory is answered', async () => others().length > 0)
    expect(others().map(({ body }) => body.split('\n')[0])).toEqual([
      'Thank you, mallory. `agree` is for others to answer: `role:write`.',
    ])
    const approval = await db.selectFrom('approvals').selectAll().executeTakeFirstOrThrow()
    expect(approval).toMatchObject({ state: 'approved', asked: 2, decided_by: 'alice', comment: 'now it is right' })
    const signals = await db.selectFrom('signals').select(['taken_by']).execute()
    expect(signals).toEqual([{ taken_by: 'wait_for_label' }])
    await expectInvariants(house, run)
  })

  it.skipIf(kind === 'pglite')('with a no, which ends the run and says whose it was', async () => {
    const house = await open()
    await house.start(await asking(house))
    await house.label()
    await until('it asks', async () => body(house).startsWith('**Waiting for approval**'))
    await house.repository.comment(house.issue.number, '/ai reject not this year', house.alice)
    const run = await ended(house)
    expect(run.failure).toMatchObject({ code: 'rejected' })
    expect(body(house)).toMatch(/^\*\*Rejected\*\* · /)
    expect(body(house)).toContain('not this year')
    await expectInvariants(house, run)
  })

  it('and whoever asks for work while it is being stopped gets it once that has ended', async () => {
    const house = await open()
    const settings = await asking(house)
    const first = await house.start(settings)
    await house.label()
    await until('it asks', async () => body(house).startsWith('**Waiting for approval**'))
    await first.stop(0)
    const door = await house.start(settings, { worker: false })
    const [stopped] = await listRuns(door.database().db, { limit: 1 })
    await requestStop(door.database().db, stopped?.id ?? '', 'alice')
    const late = await house.repository.label(house.issue.number, 'ai', house.alice)
    expect(JSON.parse(late.body)).toMatchObject({ disposition: 'joined', runs: [stopped?.id] })
    await door.stop(0)
    const app = await house.start(settings)
    await until('the next run asks', async () => {
      const comments = progressComments(house)
      return comments.length === 2 && body(house).startsWith('**Waiting for approval**')
    })
    const runs = await listRuns(app.database().db, { limit: 5 })
    expect(runs.map(({ state }) => state).sort()).toEqual(['parked', 'stopped'])
    await until(
      'both are told',
      async () => progressComments(house)[0]?.body.startsWith('**Stopped by alice**') === true,
    )
    await until(
      'the labels are those of the new one',
      async () => house.repository.issue(house.issue.number).labels.join() === 'ai:working',
    )
    const live = runs.find(({ state }) => isLive(state))
    const links = await app
      .database()
      .db.selectFrom('delivery_runs')
      .select('role')
      .where('run_id', '=', live?.id ?? '')
      .execute()
    expect(links).toEqual([{ role: 'started' }])
  })
})
