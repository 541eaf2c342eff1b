import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { loadSteps } from '../../src/store/steps.ts'
import { openHouse } from './house.ts'
import { answersByTurn, expectInvariants } from './invariants.ts'
import { endedIn, quickFiles } from './kill.ts'

/** Another host has the database in common with this one, and no disk. */
const otherDisk = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'journeyman-other-host-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  await chmod(folder, 0o755)
  return folder
}

describe.skipIf(inject('templates').postgresUrl === null)('a worker on another host', () => {
  it('goes on in the middle of a conversation, in the work tree as it was, and makes it ready again', async () => {
    const files = {
      ...quickFiles,
      '.gitignore': 'installed\n',
      // The tests pass only where the set-up has run.
      '.journeyman.yml':
        'setup: ["touch installed"]\nchecks:\n  - name: tests\n    command: test -e installed && node --test\n',
    }
    const house = await openHouse('postgres', { files })
    const first = await house.spawn({ JOURNEYMAN_CRASH_AT: 'turn.after:3' })
    await house.label()
    expect(await first.ended).toBe('SIGKILL')

    const second = await house.spawn({ JOURNEYMAN_DATA_DIR: await otherDisk() })
    const run = await endedIn(house, second)
    expect(run).toMatchObject({ state: 'done', failure: null })
    expect(house.repository.pulls()).toHaveLength(1)
    // The fourth call was in the air.
    expect(answersByTurn(house).map((count, turn) => (turn === 3 ? 1 : count))).toEqual([1, 1, 1, 1, 1])
    const steps = await house.look(({ db }) => loadSteps(db, run.id))
    expect(steps.find(({ name }) => name === 'final_checks')?.result).toMatchObject({ passed: true })
    // What the killed one has left lies on a disk that it alone can tidy.
    await rm(join(house.config().data_dir, 'work', 'runs', run.id), { recursive: true, force: true })
    await expectInvariants(house, run)
  })

  it('finds the workspace lost where snapshots are not shared, and says so', async () => {
    const house = await openHouse('postgres', { files: quickFiles })
    const config = join(house.folder, 'journeyman.yaml')
    const keys = JSON.parse(await readFile(config, 'utf8')) as object
    await writeFile(config, JSON.stringify({ ...keys, workspace: { share_snapshots: 'off' } }))
    const first = await house.spawn({ JOURNEYMAN_CRASH_AT: 'turn.after:3' })
    await house.label()
    expect(await first.ended).toBe('SIGKILL')
    const second = await house.spawn({ JOURNEYMAN_DATA_DIR: await otherDisk() })
    const run = await endedIn(house, second)
    expect(run).toMatchObject({ state: 'failed', failure: { code: 'workspace_lost' } })
  })
})
