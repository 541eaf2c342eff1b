import { readdir } from 'node:fs/promises'
import { describe, expect, inject, it } from 'vitest'
import { findHolder } from '../../src/store/lock-folder.ts'
import { processesWith } from '../../src/workspace/sandbox/sandbox.fixture.ts'
import { ended, openHouse, progressComments, until } from './house.ts'
import { expectInvariants } from './invariants.ts'
import { emptyFolder, journeyman, startJourneyman } from './journeyman.ts'
import { endedIn, quickFiles } from './kill.ts'

const sleeping = () => ({ tools: [{ name: 'bash', input: { command: 'sleep 300' } }] })

describe('a server that is asked to end', () => {
  it('ends with 0 and leaves no lock and no process; asked twice in the middle of work, it ends at once', async () => {
    const house = await openHouse('pglite', { files: quickFiles, script: sleeping })
    const idle = await house.spawn()
    idle.kill('SIGTERM')
    expect(await idle.ended).toBe(0)
    expect(findHolder(house.config().data_dir)).toBeNull()
    expect(await readdir(house.config().data_dir)).not.toContain('lock')
    expect(await processesWith(house.config().data_dir)).toEqual([])

    const busy = await house.spawn()
    await house.label()
    await until('a command runs', async () => progressComments(house).some(({ body }) => body.includes('sleep 300')))
    busy.kill('SIGTERM')
    busy.kill('SIGTERM')
    // The second may come when the first has done all there was to do.
    expect(['SIGKILL', 0]).toContain(await busy.ended)
    await until('its commands are gone too', async () => (await processesWith(house.config().data_dir)).length === 0)

    const next = await house.spawn()
    await house.repository.comment(house.issue.number, '/ai stop', house.alice)
    expect((await endedIn(house, next)).state).toBe('stopped')
  })
})

describe.skipIf(inject('templates').postgresUrl === null)('on PostgreSQL', () => {
  it('one process takes deliveries and another does the work, and migrate says that it is ready', async () => {
    const house = await openHouse('postgres', { files: quickFiles })
    const migrated = await journeyman(['migrate'], { cwd: await emptyFolder(), environment: house.environment })
    expect(migrated).toEqual({ code: 0, out: 'The postgres database is ready.\n', err: '' })

    // Who works with no model needs no key of one.
    const web = await house.spawn({ ANTHROPIC_API_KEY: '' }, ['--only', 'web'])
    expect(web.url).not.toBe('')
    await house.label()
    expect(house.world.claude.calls).toBe(0)
    expect(progressComments(house)).toEqual([])

    const worker = startJourneyman(['worker'], { cwd: house.folder, environment: house.environment })
    const run = await ended(house)
    expect(run.failure).toBeNull()
    expect(worker.err()).toContain('"url":null')
    await expectInvariants(house, run)
    web.kill('SIGTERM')
    worker.process.kill('SIGTERM')
    expect([await web.ended, (await worker.ended).code]).toEqual([0, 0])
  })
})
