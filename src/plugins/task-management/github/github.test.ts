import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { World, WorldRepository } from '../../../world/contract.ts'
import { startWorld } from '../../../world/start-world.ts'
import { createGitHubClient } from '../../github-client/create-github-client.ts'
import { taskManagementContract } from '../contract-suite.ts'
import { acceptanceCriteria } from './acceptance-criteria.ts'
import { createGitHubTaskManagement } from './github.ts'

let folder: string
let world: World
let repository: WorldRepository
const project = { repository: 'acme/shop', installation: null }

const client = (options: { writeBurst?: number; writeGapMs?: number } = {}) =>
  createGitHubClient({
    appId: world.github.app.id,
    privateKey: world.github.app.privateKey,
    apiUrl: world.github.apiUrl,
    url: world.github.url,
    writeBurst: 1000,
    ...options,
  })
const plugin = (options: Parameters<typeof client>[0] = {}) => createGitHubTaskManagement(client(options))
const numbered = z.object({ number: z.int() })
const refOf = (number: number) => ({ ...project, key: String(number) })
const writes = () => world.requests.filter((request) => request.service === 'github' && request.method !== 'GET')

/** The world lets nobody but the app comment; so the next list of comments is one that a person wrote. */
const foreignComment = async ({ key }: { key: string }, body: string) => {
  const user = { login: 'eve', id: 4711 }
  const html_url = `${repository.issue(Number(key)).url}#issuecomment-1`
  const listed = [{ id: 1, html_url, body, user, created_at: '2026-11-20T10:00:00Z' }]
  world.github.faults.push({
    method: 'GET',
    path: /\/comments$/,
    times: 1,
    fault: { kind: 'status', status: 200, headers: { 'content-type': 'application/json' }, body: listed },
  })
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journeyman-tm-'))
  world = await startWorld({ folder })
  repository = await world.github.createRepository('acme/shop', { 'README.md': 'Shop\n' })
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true, force: true })
})
afterEach(() => {
  world.github.faults.length = 0
  expect(world.violations.splice(0)).toEqual([])
})

taskManagementContract('GitHub', async () => ({ plugin: plugin(), project, foreignComment, close: async () => {} }))

describe('GitHub Issues in particular', () => {
  const issueWith = (labels: string[], body = '') => repository.createIssue({ title: 'A task', body, labels })

  it('takes the trigger off when the work is taken over, so that adding it again asks again', async () => {
    const { number } = issueWith(['ai', 'bug'])
    await plugin().setStatus(refOf(number), 'in_progress')
    expect(repository.issue(number).labels.toSorted()).toEqual(['ai:working', 'bug'])
    await plugin().setStatus(refOf(number), 'in_review')
    expect(repository.issue(number).labels.toSorted()).toEqual(['ai:review', 'bug'])
  })

  it('a failure never blocks the next try', async () => {
    const { number } = issueWith(['ai:failed'])
    expect((await plugin().getTask(refOf(number))).status).toBe('todo')
    const again = issueWith(['ai:review', 'ai'])
    expect((await plugin().getTask(refOf(again.number))).status).toBe('todo')
    await plugin().setStatus(refOf(number), 'in_progress')
    expect(repository.issue(number).labels).toEqual(['ai:working'])
  })

  it('writes nothing when the status is set already', async () => {
    const { number } = issueWith(['ai:working'])
    const before = writes().length
    await plugin().setStatus(refOf(number), 'in_progress')
    await plugin().setLabels(refOf(number), { add: ['ai:working'], remove: ['ai'] })
    expect(writes().length - before).toBeLessThanOrEqual(2) // the app and its token
    expect(
      writes()
        .slice(before)
        .filter((request) => request.path.includes('/labels')),
    ).toEqual([])
  })

  it('an issue without text has an empty description', async () => {
    const { number } = issueWith([])
    expect(await plugin().getTask(refOf(number))).toMatchObject({
      description: '',
      acceptance_criteria: [],
      project: 'acme/shop',
      repository_url: `${world.github.url}/acme/shop`,
    })
  })

  it('text of the issue is taken as it is', async () => {
    const body = '${run.id} {{7*7}} $(id) <!-- journeyman:x -->'
    const { number } = issueWith([], body)
    expect((await plugin().getTask(refOf(number))).description).toBe(body)
  })

  it('finds an old comment of ours behind hundreds of newer ones', async () => {
    const { number } = issueWith([])
    const tasks = plugin()
    const mine = await tasks.addComment(refOf(number), 'Here <!-- journeyman:old -->')
    for (let index = 0; index < 230; index++) await tasks.addComment(refOf(number), `talk ${index}`)
    const newer = await tasks.addComment(refOf(number), 'Here <!-- journeyman:new -->')
    const before = world.requests.length
    expect((await tasks.findComment(refOf(number), '<!-- journeyman:old -->'))?.id).toBe(mine.id)
    expect((await tasks.findComment(refOf(number), '<!-- journeyman:new -->'))?.id).toBe(newer.id)
    expect(world.requests.slice(before).filter((request) => request.path.endsWith('/comments')).length).toBeLessThan(6)
  })

  it('leaves pull requests out of its tasks', async () => {
    await repository.commit('topic', { 'a.txt': 'a\n' }, 'a')
    const body = { title: 'Topic', head: 'topic', base: 'main' }
    const { data } = await client().request(project, 'POST /repos/{owner}/{repo}/pulls', body, numbered)
    const { number } = issueWith([])
    const keys = (await plugin().listTasks(project)).map((task) => task.key)
    expect(keys).toContain(String(number))
    expect(keys).not.toContain(String(data.number))
  })

  it('sends the first writes of a run at once, and refuses what would wait too long', async () => {
    const { number } = issueWith([])
    const tasks = plugin({ writeBurst: 3, writeGapMs: 60_000 })
    for (let index = 0; index < 3; index++) await tasks.addComment(refOf(number), `at once ${index}`)
    const refused = await tasks.addComment(refOf(number), 'one too many').catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'rate_limited' })
    expect((refused as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(30_000)
    expect(repository.comments(number)).toHaveLength(3)
  })

  it('lets what waits a little through, and drops none', async () => {
    const { number } = issueWith([])
    const tasks = plugin({ writeBurst: 1, writeGapMs: 5 })
    await Promise.all(Array.from({ length: 8 }, (_, index) => tasks.addComment(refOf(number), `spaced ${index}`)))
    expect(repository.comments(number)).toHaveLength(8)
  })

  it('holds everybody back after GitHub has said that it is too much', async () => {
    const { number } = issueWith([])
    const tasks = plugin()
    const fault = { kind: 'status', status: 403, headers: { 'retry-after': '120' }, body: { message: 'Slow' } } as const
    world.github.faults.push({ method: 'POST', path: /\/comments$/, times: 1, fault })
    await expect(tasks.addComment(refOf(number), 'One')).rejects.toMatchObject({ retryAfterMs: 120_000 })
    const before = writes().length
    await expect(tasks.addComment(refOf(number), 'Two')).rejects.toMatchObject({ code: 'rate_limited' })
    expect(writes()).toHaveLength(before)
    expect((await tasks.getTask(refOf(number))).title).toBe('A task')
  })
})

describe('acceptance criteria', () => {
  it('are the list below their heading, up to the next one', () => {
    const body = [
      '# Story',
      '  ### Acceptance Criteria: ##',
      '1. One',
      '* [ ] Two',
      '',
      '#### Detail',
      '+ Three',
      '## Else',
      '- no',
    ]
    expect(acceptanceCriteria(body.join('\r\n'))).toEqual(['One', 'Two', 'Three'])
    expect(acceptanceCriteria('**Acceptance criteria:**\n- One\n\n**Notes**\n- no')).toEqual(['One'])
  })

  it('are the task list where there is no such heading', () => {
    expect(acceptanceCriteria('- [ ] One\n- plain\n  - [x] Two')).toEqual(['One', 'Two'])
    expect(acceptanceCriteria('Just text')).toEqual([])
  })

  it('are not what stands in a code block, and are bounded', () => {
    expect(acceptanceCriteria('```md\n## Acceptance criteria\n- no\n```\n- [ ] yes')).toEqual(['yes'])
    expect(acceptanceCriteria(`## Acceptance criteria\n${'- x\n'.repeat(5000)}`)).toHaveLength(50)
  })

  it('are found in a hostile text without delay', () => {
    const gap = ' '.repeat(20_000)
    const lines = [
      `- ${gap}x${gap}y`,
      `# a${gap}b ##${gap}c`,
      `**a${gap}**${gap}b`,
      '- '.repeat(20_000),
      '#'.repeat(20_000),
    ]
    const hostile = Array.from({ length: 200 }, () => lines.join('\n')).join('\n')
    expect(acceptanceCriteria(hostile).length).toBeLessThanOrEqual(50)
  })
})
