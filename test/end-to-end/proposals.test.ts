import { describe, expect, inject, it } from 'vitest'
import type { Script, ScriptedTurn } from '../../src/world/contract.ts'
import { demoScript } from '../../src/world/demo/demo-script.ts'
import { ended, type HouseOptions, openHouse, progressComments, until } from './house.ts'
import { quickFiles } from './kill.ts'

/** Does this first, then hands in as the demo does. */
const afterwards =
  (first: ScriptedTurn): Script =>
  (request) =>
    request.turn === 0 ? first : demoScript({ ...request, turn: 4 })

const bash = (command: string): ScriptedTurn => ({ tools: [{ name: 'bash', input: { command } }] })

const open = (options: HouseOptions) => openHouse('postgres', options)

describe.skipIf(inject('templates').postgresUrl === null)('a proposal', () => {
  // What else may not leave has its tests in attacks-leaving.test.ts; this is how it looks to people.
  it('with a workflow of the CI leaves only with a yes to exactly that, which is asked for', async () => {
    const command = 'mkdir -p .github/workflows && echo "on: push" > .github/workflows/x.yml'
    const house = await open({ files: quickFiles, script: afterwards(bash(command)) })
    await house.start()
    await house.label()
    await until('somebody is asked', async () => progressComments(house)[0]?.body.includes('yes or no?') === true)
    const asked = progressComments(house)[0]?.body ?? ''
    expect(asked).toMatch(/\.github\/workflows\/x\.yml is protected/)
    expect(asked).toContain('+on: push')
    expect(house.repository.pulls()).toEqual([])
    expect(await house.repository.git('branch', '--list', 'journeyman/*')).toBe('')
    await house.repository.comment(house.issue.number, '/ai approve', house.alice)
    const run = await ended(house)
    expect(run.failure).toBeNull()
    expect(house.repository.pulls()).toHaveLength(1)
    expect(await house.repository.git('show', `${house.repository.pulls()[0]?.headSha}:.github/workflows/x.yml`)).toBe(
      'on: push\n',
    )
  })

  it('with a workflow of the CI does not leave where somebody says no', async () => {
    const command = 'mkdir -p .github/workflows && echo "on: push" > .github/workflows/x.yml'
    const house = await open({ files: quickFiles, script: afterwards(bash(command)) })
    await house.start()
    await house.label()
    await until('somebody is asked', async () => progressComments(house)[0]?.body.includes('yes or no?') === true)
    await house.repository.comment(house.issue.number, '/ai reject not the CI', house.alice)
    const run = await ended(house)
    expect(run.failure).toMatchObject({ code: 'rejected', message: expect.stringContaining('not the CI') })
    expect(house.repository.pulls()).toEqual([])
    expect(await house.repository.git('branch', '--list', 'journeyman/*')).toBe('')
    expect(house.repository.issue(house.issue.number).labels).toEqual(['ai:failed'])
  })

  it('without a change is not made, and says so', async () => {
    const house = await open({ files: quickFiles, script: afterwards(bash('true')) })
    await house.start()
    await house.label()
    const run = await ended(house)
    expect(run.failure?.code).toBe('nothing_to_propose')
    expect(house.repository.pulls()).toEqual([])
  })

  it('whose checks fail is a draft, with the output as evidence', async () => {
    const house = await open({
      files: quickFiles,
      script: afterwards(bash('echo "export const half = 1" > src/half.js')),
    })
    await house.start()
    await house.label()
    const run = await ended(house)
    expect(run.failure).toBeNull()
    const [pull] = house.repository.pulls()
    expect(pull?.draft).toBe(true)
    expect(pull?.body).toMatch(/`node --test` \| ❌ exit 1 .* \| ❌ exit 1/)
    expect(pull?.body).toContain('<details><summary>Output of node --test</summary>')
  })

  it('meets a branch that somebody else has pushed to: it is left alone', async () => {
    const house = await open({
      files: quickFiles,
      script: async (request) => {
        if (request.turn === 1) {
          const branch = /branch (journeyman\/\S+?)[.\s]/.exec(request.firstMessage)?.[1] ?? 'none'
          await house.repository.git('branch', branch, 'main')
        }
        return demoScript(request)
      },
    })
    await house.start()
    await house.label()
    const run = await ended(house)
    expect(run.failure?.code).toBe('conflict')
    expect(house.repository.pulls()).toEqual([])
  })
})
