import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestRoom, runIn, type TestRoom } from '../workspace/test-support/open-test-room.ts'
import { edit, runIt, sh, submit } from './testing/agent-under-test.ts'
import { memoryJournal, newRows } from './testing/memory-journal.ts'
import { type ScriptedAnswer, scriptedProvider } from './testing/scripted-provider.ts'

// The resume over the real room: git's snapshots, its restore, and the base commit where there is no snapshot yet.
let room: TestRoom
beforeAll(async () => {
  room = await openTestRoom()
})
afterAll(() => room.close())

const script = (turn: number): ScriptedAnswer => {
  if (turn === 0) return { calls: [sh('echo one >> log.txt; mkdir -p made; echo x > made/file')] }
  if (turn === 1) return { calls: [edit('greeting.txt', 'go away', 'hello'), sh('echo two >> log.txt')] }
  if (turn === 2) return { calls: [sh('rm -r made; echo three >> log.txt')] }
  return { calls: [submit()] }
}

describe('a worker that is killed on a real work tree', () => {
  it.each([
    ['toolsDone.before', 1],
    ['snapshotTaken.before', 1],
    ['answered.after', 2],
    ['toolsDone.before', 2],
    ['snapshotTaken.before', 2],
    ['toolsDone.after', 3],
  ])('at %s number %i leaves what its successor makes whole', async (place, occurrence) => {
    const name = `shop-${place.replace('.', '-').toLowerCase()}-${occurrence}`
    const repository = await room.server.createRepository(name, { 'greeting.txt': 'go away\n', 'log.txt': '' })
    const workspace = await room.open(`run_${name.replaceAll('-', '_')}`, repository)
    const rows = newRows()
    let left = occurrence
    const dying = memoryJournal(rows, {
      crash: (at) => {
        if (at === place) left -= 1
        if (left <= 0) throw new Error('killed')
      },
    })
    await expect(runIt({ provider: scriptedProvider(script), journal: dying, workspace })).rejects.toThrow('killed')
    const outcome = await runIt({ provider: scriptedProvider(script), journal: memoryJournal(rows), workspace })
    expect(outcome).toMatchObject({ turns: 4, cost: 40 })
    expect(await runIn(workspace, 'ls; cat greeting.txt log.txt')).toBe(
      'greeting.txt\nlog.txt\nhello\none\ntwo\nthree\n',
    )
    expect((await workspace.proposal()).map((file) => file.path)).toEqual(['greeting.txt', 'log.txt'])
  })
})
