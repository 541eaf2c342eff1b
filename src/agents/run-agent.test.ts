import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Workspace } from '../workspace/contract.ts'
import { edit, runIt, sh, submit, view } from './testing/agent-under-test.ts'
import { folderWorkspace } from './testing/folder-workspace.ts'
import { memoryJournal, newRows } from './testing/memory-journal.ts'
import { scriptedProvider } from './testing/scripted-provider.ts'

let workspace: Workspace & { remove: () => Promise<void> }
beforeEach(async () => {
  workspace = await folderWorkspace({ 'greeting.txt': 'go away\n' })
})
afterEach(() => workspace.remove())

describe('a conversation', () => {
  it('reads, edits, runs a command and hands in its work', async () => {
    const rows = newRows()
    const provider = scriptedProvider((turn) => {
      if (turn === 0) return { text: 'Let me look.', calls: [view('greeting.txt')] }
      if (turn === 1) return { calls: [edit('greeting.txt', 'go away', 'hello'), sh('cat greeting.txt')] }
      return { calls: [submit()] }
    })
    const outcome = await runIt({ provider, journal: memoryJournal(rows), workspace })
    expect(outcome).toMatchObject({
      turns: 3,
      models: ['big'],
      cost: 30,
      submitted: { title: 'feat: friendly greeting' },
    })
    expect(await workspace.files.read('greeting.txt')).toBe('hello\n')
    expect(rows.turns[0]?.results?.[0]?.content).toContain('     1\tgo away')
    expect(rows.turns[1]?.results?.map((result) => result.isError)).toEqual([false, false])
    expect(rows.turns[1]?.results?.[1]?.content).toBe('hello')
    expect(rows.turns.every((turn) => turn.snapshot !== null)).toBe(true)
    expect([...rows.reservations.values()]).toEqual(['settled', 'settled', 'settled'])
  })

  it('takes the snapshot of a turn while the next call is under way, and waits for it before the next tools', async () => {
    const rows = newRows()
    let called = 0
    const slow = {
      ...workspace,
      snapshot: async (label: string) => {
        while (label.endsWith('turn 0') && called < 2) await new Promise((resolve) => setTimeout(resolve, 1))
        return workspace.snapshot(label)
      },
    }
    const provider = scriptedProvider((turn) => {
      called += 1
      if (turn < 2) return { calls: [sh(`echo ${turn} > file`)] }
      return { calls: [submit()] }
    })
    await runIt({ provider, journal: memoryJournal(rows), workspace: slow })
    const order = rows.log.filter((entry) => entry.endsWith(' 0') || entry.endsWith(' 1'))
    expect(order.indexOf('snapshotTaken 0')).toBeLessThan(order.indexOf('toolsDone 1'))
    expect(rows.log.indexOf('reserve 1 big')).toBeLessThan(rows.log.indexOf('snapshotTaken 0'))
  })
})
