import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { loadBreakers, openBreakers } from '../../src/store/circuit-breakers.ts'
import { loadSteps } from '../../src/store/steps.ts'
import { ended, type House, openHouse, until } from './house.ts'
import { expectInvariants } from './invariants.ts'
import { quickFiles } from './kill.ts'

/** Quick to open, quick to try again: what is tested is what happens, not how long it takes. */
const breakers = { failures: 3, open_seconds: 1, most_open_seconds: 2 }

/** The code host answers nothing from the push on, by its API and by git, until it is mended. */
const breakDown = (house: House): (() => void) => {
  const down = { path: /./, times: 10_000, fault: { kind: 'status', status: 503 } } as const
  house.world.github.faults.push(down)
  return () => {
    house.world.github.faults.length = 0
  }
}

describe('an outage of the code host in the middle of a run (pglite)', () => {
  it('is waited out: the breaker opens, people can see it, and there is one pull request in the end', async () => {
    const house = await openHouse('pglite', { files: quickFiles })
    const app = await house.start({ breakers, workflows: { folder: await patientWorkflows(house) } })
    const url = urlOf(house)
    await house.label()
    await until('the model has been asked', async () => house.world.claude.calls > 0)
    const mend = breakDown(house)
    await until('the breaker is open', async () => (await openBreakers(app.database().db)).length > 0)

    const ready = await fetch(`${url}/health/ready`)
    expect(ready.status).toBe(200)
    const services = (await (await fetch(`${url}/health/services`)).json()) as { services: unknown[] }
    expect(services.services).toEqual([
      expect.objectContaining({ service: 'github', last_failure: 'unavailable', tried_again_at: expect.any(String) }),
    ])
    expect(await textAt(`${url}/metrics`)).toMatch(
      /journeyman_service_breaker\{service="github",state="(half_)?open"\} 1/,
    )
    // Deliveries are taken in as ever.
    expect((await house.label()).status).toBe(202)
    await until('a step has failed at the host', async () =>
      (await stepsOf(house)).some(({ failure }) => failure?.service === 'github'),
    )
    const refused = (await stepsOf(house)).find(({ failure }) => failure?.service === 'github')?.failure
    expect(refused?.code).toBe('unavailable')
    mend()

    const run = await ended(house)
    expect(run.failure).toBeNull()
    expect(house.repository.pulls()).toHaveLength(1)
    expect((await loadBreakers(app.database().db)).map(({ service, state }) => [service, state])).toEqual([
      ['github', 'closed'],
    ])
    await expectInvariants(house, run)
  })
})

describe.skipIf(inject('templates').postgresUrl === null)('two workers on one PostgreSQL', () => {
  it('share what they have found out: when both know, neither asks the host for anything', async () => {
    const house = await openHouse('postgres', { files: quickFiles })
    const long = { ...breakers, open_seconds: 600, most_open_seconds: 600 }
    const urls: string[] = []
    for (let count = 0; count < 2; count++) {
      await house.start({ breakers: long })
      urls.push(urlOf(house))
    }
    breakDown(house)
    const refusedBy = async (url: string) => {
      const found = /trouble_total\{service="github",what="refused"\} (\d+)/.exec(await textAt(`${url}/metrics`))
      return Number(found?.[1] ?? 0)
    }
    const refusedMore = async (than: number[]) => {
      const now = await Promise.all(urls.map(refusedBy))
      return now.every((count, index) => count > (than[index] as number))
    }
    const labelled = async (count: number) => {
      for (let made = 0; made < count; made++) {
        const issue = house.repository.createIssue({ title: 'More', body: 'Please.', author: house.alice })
        expect((await house.repository.label(issue.number, 'ai', house.alice)).status).toBe(202)
      }
    }
    await labelled(8)
    await until('both workers have been refused', async () => {
      await labelled(2)
      return refusedMore([0, 0])
    })
    const asked = house.world.requests.length
    const before = await Promise.all(urls.map(refusedBy))
    await until('both workers have been refused again', async () => {
      await labelled(2)
      return refusedMore(before)
    })
    expect(house.world.requests.length).toBe(asked)
    const [breaker] = await house.look(({ db }) => openBreakers(db))
    expect(breaker).toMatchObject({ service: 'github', state: 'open', failures: breakers.failures })
  })
})

/** The shipped workflow, but that every step is tried again: which one meets the outage is chance. */
const patientWorkflows = async (house: House): Promise<string> => {
  const shipped = await readFile(join(import.meta.dirname, '../../workflows/standard_dev_workflow.yaml'), 'utf8')
  const patient = shipped.replace('default_strategy: fail', 'default_strategy: retry')
  expect(patient).not.toBe(shipped)
  const folder = join(house.folder, 'patient')
  await mkdir(folder)
  await writeFile(join(folder, 'standard_dev_workflow.yaml'), patient)
  return folder
}

const stepsOf = (house: House) =>
  house.look(async ({ db }) => {
    const run = await db.selectFrom('workflow_executions').select('id').executeTakeFirst()
    return run ? loadSteps(db, run.id) : []
  })

const urlOf = (house: House): string => (house.world.github.webhookUrl ?? '').replace('/webhooks/github', '')

const textAt = async (address: string): Promise<string> => (await fetch(address)).text()
