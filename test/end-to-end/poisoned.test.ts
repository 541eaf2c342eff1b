import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openHouse, progressComments } from './house.ts'
import { expectInvariants } from './invariants.ts'
import { journeyman } from './journeyman.ts'
import { endedIn, quickFiles } from './kill.ts'

describe('a run that ends every process that works on it (F25)', () => {
  it('is given up after as many as it may, is shown as failed with the reason, and leaves the next alone', async () => {
    const house = await openHouse('pglite', { files: quickFiles })
    const file = join(house.folder, 'journeyman.yaml')
    const settings = JSON.parse(await readFile(file, 'utf8'))
    await writeFile(file, JSON.stringify({ ...settings, runs: { ...settings.runs, max_claims: 2 } }))

    for (let deaths = 0; deaths < 2; deaths++) {
      const served = await house.spawn({ JOURNEYMAN_CRASH_AT: 'step.before' })
      if (deaths === 0) await house.label()
      expect(await served.ended).toBe('SIGKILL')
    }
    const last = await house.spawn()
    const run = await endedIn(house, last)
    expect(run).toMatchObject({ state: 'failed', claims: 3, failure: { code: 'limit_reached' } })
    expect(run.failure?.message).toContain('begun 3 times')
    expect(progressComments(house)[0]?.body).toMatch(/^\*\*Failed/)
    expect(house.repository.pulls()).toEqual([])
    await expectInvariants(house, run)
    const shown = await journeyman(['status'], { cwd: house.folder, environment: house.environment })
    expect(shown.out).toMatch(/failed/)

    const next = await house.spawn()
    const issue = house.repository.createIssue({ title: 'Another', body: 'Please.', author: house.alice })
    expect((await house.repository.label(issue.number, 'ai', house.alice)).status).toBe(202)
    next.kill('SIGTERM')
    expect(await next.ended).toBe(0)
  })
})
