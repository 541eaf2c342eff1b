import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Run } from '../../src/domain/run.ts'
import { listRuns } from '../../src/store/runs.ts'
import { loadSteps } from '../../src/store/steps.ts'
import { type House, openHouse, until } from './house.ts'

const asks = (after: string): string => `
name: asks
description: Asks, then says
version: "1.0.0"
on: [ { event: issue.labeled, label: ask } ]
steps:
  - { name: plan, type: approval, shows: "go on?" }
  - { name: say, type: system, action: set, inputs: { said: ${after} } }
`

const runsOf = (house: House): Promise<Run[]> => house.look(({ db }) => listRuns(db, { limit: 9 }))

describe('a workflow file in the middle of a run (F31)', () => {
  it('is edited, broken, removed: the run goes on with what it was begun with, in whatever process', async () => {
    const house = await openHouse('pglite')
    const folder = join(house.folder, 'flows')
    await mkdir(folder)
    const write = (text: string) => writeFile(join(folder, 'asks.yaml'), text)
    await write(asks('before'))
    const settings = { workflows: { folder } }
    const first = await house.start(settings)
    await house.repository.label(house.issue.number, 'ask', house.alice)
    await until('it asks', async () => (await runsOf(house))[0]?.state === 'parked')

    await write(asks('after'))
    await first.reconfigure(house.config(settings))
    await write('steps: [')
    await first.reconfigure(house.config(settings)).catch(() => undefined)
    await first.stop(0)
    await rm(join(folder, 'asks.yaml'))
    const second = await house.start(settings)

    await house.repository.comment(house.issue.number, '/ai approve', house.alice)
    await until('it has ended', async () => (await runsOf(house))[0]?.state === 'done')
    const [run] = await runsOf(house)
    const steps = await loadSteps(second.database().db, run?.id ?? '')
    expect(steps.find((step) => step.address === 'say')?.result).toEqual({ said: 'before' })
  })
})
