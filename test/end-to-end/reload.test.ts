import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type House, openHouse, type Served, until } from './house.ts'

/** Writes the file of a running process anew, with these sections over those it began with. */
const createRewrite = async (house: House) => {
  const file = join(house.folder, 'journeyman.yaml')
  const begun = JSON.parse(await readFile(file, 'utf8'))
  return {
    with: (sections: Record<string, Record<string, unknown>>) => {
      const merged = Object.entries(sections).map(([name, keys]) => [name, { ...begun[name], ...keys }])
      return writeFile(file, JSON.stringify({ ...begun, ...Object.fromEntries(merged) }))
    },
    as: (text: string) => writeFile(file, text),
  }
}

/** How often a message stands in the log. */
const told = (served: Served, message: string): Record<string, unknown>[] =>
  served
    .log()
    .split('\n')
    .filter((line) => line.includes(`"msg":${JSON.stringify(message)}`))
    .map((line) => JSON.parse(line))

const untilTold = (served: Served, message: string, times = 1): Promise<void> =>
  until(`the log says "${message}"`, async () => told(served, message).length >= times)

/** Labels a new issue; gives what its run may cost, as people are told. */
const capOfNewRun = async (house: House): Promise<string | undefined> => {
  const issue = house.repository.createIssue({ title: 'Another', body: 'Something is amiss.', author: house.alice })
  expect((await house.repository.label(issue.number, 'ai', house.alice)).status).toBe(202)
  const comment = () => house.repository.comments(issue.number)[0]?.body
  await until('people are told', async () => comment() !== undefined)
  return / of (\$[\d.]+)/.exec(comment() ?? '')?.[1]
}

describe('a running server whose files change', () => {
  it('takes over what it may, says what wants a restart, and keeps what it has when a file is broken', async () => {
    const house = await openHouse('pglite', { script: () => ({ fault: { kind: 'hang' } }) })
    const served = await house.spawn()
    const rewrite = await createRewrite(house)
    expect(await capOfNewRun(house)).toBe('$5.00')

    await rewrite.with({ runs: { max_cost_usd: 1.5 }, server: { port: 1 } })
    await untilTold(served, 'configuration: restart_needed')
    expect(told(served, 'configuration: reloaded')).toMatchObject([{ keys: ['runs.max_cost_usd'] }])
    expect(told(served, 'configuration: restart_needed')).toMatchObject([{ keys: ['server.port'] }])
    expect(await capOfNewRun(house)).toBe('$1.50')

    const broken = 'runs:\n  max_cost_usd: much\n  max_cots: 1\n'
    await rewrite.as(broken)
    await untilTold(served, 'configuration: broken')
    expect(told(served, 'configuration: broken')).toMatchObject([
      {
        message: expect.stringMatching(
          /2 mistakes:\n {2}journeyman\.yaml:2:3 {2}runs\.max_cost_usd: .*\n {2}journeyman\.yaml:3:3 {2}runs\.max_cots: .*did you mean/,
        ),
      },
    ])
    expect(await capOfNewRun(house)).toBe('$1.50')
    // The same mistakes, saved once more, are no news; the next mistake is.
    await rewrite.as(`${broken}\n`)
    await capOfNewRun(house)
    await rewrite.as('runs: [')
    await untilTold(served, 'configuration: broken', 2)
    expect(told(served, 'configuration: broken')[1]?.['message']).toContain('journeyman.yaml:1')

    await rewrite.with({ runs: { max_cost_usd: 2 } })
    await untilTold(served, 'configuration: mended')
    await untilTold(served, 'configuration: reloaded', 2)
    expect(await capOfNewRun(house)).toBe('$2.00')
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
  })

  it('goes on with the workflows it has when they are broken, or gone', async () => {
    const house = await openHouse('pglite', { script: () => ({ fault: { kind: 'hang' } }) })
    const flows = join(house.folder, 'flows')
    await cp(join(import.meta.dirname, '../../workflows'), flows, { recursive: true })
    const rewrite = await createRewrite(house)
    const workflows = { folder: './flows' }
    await rewrite.with({ workflows })
    const served = await house.spawn()

    const shipped = join(flows, 'standard_dev_workflow.yaml')
    const source = await readFile(shipped, 'utf8')
    await writeFile(shipped, source.replace('action: get_task', 'action: get_taks'))
    await rewrite.with({ workflows, log: { level: 'debug' } })
    await untilTold(served, 'a workflow does not pass the check')
    expect(JSON.stringify(told(served, 'a workflow does not pass the check'))).toContain('get_task')
    expect(await capOfNewRun(house)).toBe('$5.00')

    await rm(flows, { recursive: true })
    await rewrite.with({ workflows, log: { level: 'info' } })
    await untilTold(served, 'the changed configuration could not be taken over')
    expect(await capOfNewRun(house)).toBe('$5.00')
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
  })
})
