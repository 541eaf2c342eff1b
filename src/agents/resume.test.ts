import { afterEach, describe, expect, it } from 'vitest'
import type { AiProvider } from '../plugins/ai-provider/contract.ts'
import type { Workspace } from '../workspace/contract.ts'
import { create, edit, runIt, sh, submit, task, view } from './testing/agent-under-test.ts'
import { type FolderWorkspace, folderWorkspace } from './testing/folder-workspace.ts'
import { type JournalRows, memoryJournal, newRows } from './testing/memory-journal.ts'
import { type ScriptedAnswer, scriptedProvider } from './testing/scripted-provider.ts'

const workspaces: FolderWorkspace[] = []
afterEach(async () => {
  for (const workspace of workspaces.splice(0)) await workspace.remove()
})
const newWorkspace = async (): Promise<FolderWorkspace> => {
  const workspace = await folderWorkspace({ 'greeting.txt': 'go away\n', 'log.txt': '' })
  workspaces.push(workspace)
  return workspace
}

/** Appends are what shows a tool that ran twice on the same tree. */
const script = (turn: number): ScriptedAnswer => {
  if (turn === 0) return { calls: [view('greeting.txt'), sh('echo one >> log.txt')] }
  if (turn === 1) return { calls: [edit('greeting.txt', 'go away', 'hello'), sh('echo two >> log.txt; cat log.txt')] }
  if (turn === 2) return { text: 'I think that is it.' }
  if (turn === 3) return { calls: [create('new/test.txt', 'ok\n'), sh('echo three >> log.txt')] }
  return { calls: [submit()] }
}
const finalTree = { 'greeting.txt': 'hello\n', 'log.txt': 'one\ntwo\nthree\n', 'new/test.txt': 'ok\n' }

class Killed extends Error {}

/** A worker that dies at the n-th place where it touches the outside; once dead it can do nothing any more. */
const mortal = (workspace: Workspace, rows: JournalRows, diesAt: number) => {
  let places = 0
  const passed: string[] = []
  const pass = (name: string) => {
    if (places >= diesAt) throw new Killed()
    places += 1
    passed.push(name)
    if (places === diesAt) throw new Killed(name)
  }
  const around =
    <A extends unknown[], R>(name: string, act: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      pass(`${name}.before`)
      const result = await act(...args)
      pass(`${name}.after`)
      return result
    }
  const model = scriptedProvider(script)
  const provider: AiProvider = { ...model, complete: around('complete', model.complete) }
  const files = { ...workspace.files, write: around('write', workspace.files.write) }
  const mine: Workspace = {
    ...workspace,
    files,
    run: around('run', workspace.run),
    snapshot: around('snapshot', workspace.snapshot),
    restore: around('restore', workspace.restore),
  }
  return {
    passed,
    model,
    run: () => runIt({ provider, journal: memoryJournal(rows, { crash: pass }), workspace: mine }),
  }
}

const places = async (): Promise<string[]> => {
  const workspace = await newWorkspace()
  const worker = mortal(workspace, newRows(), Number.POSITIVE_INFINITY)
  await worker.run()
  return worker.passed
}

const expectWhole = async (rows: JournalRows, workspace: FolderWorkspace, deaths: number) => {
  expect(await workspace.tree()).toEqual(finalTree)
  const states = [...rows.reservations.values()]
  expect(states.filter((state) => state === 'settled')).toHaveLength(rows.turns.length)
  expect(rows.turns).toHaveLength(5)
  expect(rows.turns.every((turn) => turn.results !== null && turn.snapshot !== null)).toBe(true)
  // What a dead worker had under way stays charged; nothing else does.
  expect(states.filter((state) => state !== 'settled').length).toBeLessThanOrEqual(deaths)
}

describe('a worker that is killed', () => {
  it('is followed by one that pays no turn twice and ends with the same tree, wherever it died', async () => {
    const all = await places()
    expect(all.length).toBeGreaterThan(60)
    for (let diesAt = 1; diesAt <= all.length; diesAt++) {
      const rows = newRows()
      const workspace = await newWorkspace()
      const first = mortal(workspace, rows, diesAt)
      await expect(first.run(), `killed at ${all[diesAt - 1]}`).rejects.toThrow(Killed)
      const outcome = await mortal(workspace, rows, Number.POSITIVE_INFINITY).run()
      expect(outcome, `killed at ${all[diesAt - 1]}`).toMatchObject({ turns: 5, cost: 50, models: ['big'] })
      await expectWhole(rows, workspace, 1)
    }
  })

  it('may be killed again and again on the way', async () => {
    const rows = newRows()
    const workspace = await newWorkspace()
    let deaths = 0
    for (let life = 1; life < 200; life++) {
      const died = await mortal(workspace, rows, 5 + life)
        .run()
        .then(
          () => false,
          () => true,
        )
      if (!died) break
      deaths += 1
    }
    expect(deaths).toBeGreaterThan(2)
    await expectWhole(rows, workspace, deaths)
  })

  it('is followed by one that asks the model with the very bytes that the first would have sent', async () => {
    const whole = scriptedProvider(script)
    await runIt({ provider: whole, journal: memoryJournal(newRows()), workspace: await newWorkspace() })
    const rows = newRows()
    const workspace = await newWorkspace()
    const all = await places()
    await mortal(workspace, rows, all.lastIndexOf('reserve.before'))
      .run()
      .catch(() => undefined)
    const second = scriptedProvider(script)
    await runIt({ provider: second, journal: memoryJournal(rows), workspace })
    const last = second.requests.at(-1)
    expect(JSON.stringify(last)).toBe(JSON.stringify(whole.requests.at(-1)))
  })

  it('leaves the results that it journalled as the model saw them, though the tools give others now', async () => {
    const rows = newRows()
    const workspace = await newWorkspace()
    const dice = (turn: number) => (turn === 0 ? { calls: [sh('date +%N; echo x > made')] } : { calls: [submit()] })
    const killed = memoryJournal(rows, {
      crash: (at) => {
        if (at === 'snapshotTaken.before') throw new Killed()
      },
    })
    await expect(runIt({ provider: scriptedProvider(dice), journal: killed, workspace })).rejects.toThrow(Killed)
    const before = rows.turns[0]?.results?.[0]?.content
    await runIt({ provider: scriptedProvider(dice), journal: memoryJournal(rows), workspace })
    expect(rows.turns[0]?.results?.[0]?.content).toBe(before)
    expect(await workspace.tree()).toMatchObject({ made: 'x\n' })
  })

  it('starts over from what earlier steps had left, where the task says so', async () => {
    const rows = newRows()
    const workspace = await newWorkspace()
    await workspace.files.write('earlier.txt', 'made by an earlier step\n')
    const { commit } = await workspace.snapshot('earlier')
    const killed = memoryJournal(rows, {
      crash: (at) => {
        if (at === 'toolsDone.before') throw new Killed()
      },
    })
    const given = task({ startsFrom: commit })
    const write = (turn: number) => (turn === 0 ? { calls: [sh('echo x >> earlier.txt')] } : { calls: [submit()] })
    await expect(runIt({ provider: scriptedProvider(write), journal: killed, workspace, task: given })).rejects.toThrow(
      Killed,
    )
    await runIt({ provider: scriptedProvider(write), journal: memoryJournal(rows), workspace, task: given })
    expect((await workspace.tree())['earlier.txt']).toBe('made by an earlier step\nx\n')
  })
})
