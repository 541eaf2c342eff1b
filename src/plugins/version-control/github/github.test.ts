import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Actor } from '../../../domain/event.ts'
import type { Fault, World, WorldRepository, WorldUser } from '../../../world/contract.ts'
import { startWorld } from '../../../world/start-world.ts'
import { createGitHubClient } from '../../github-client/create-github-client.ts'
import { type VersionControlStage, versionControlContract } from '../contract-suite.ts'
import { createGitHubVersionControl } from './github.ts'

let folder: string
let world: World
let repository: WorldRepository
const ref = { repository: 'acme/shop', installation: null }

const actorOf = (user: WorldUser): Actor => ({ login: user.login, id: String(user.id), isBot: user.type === 'Bot' })
const plugin = (options: { timeoutMs?: number } = {}) =>
  createGitHubVersionControl(
    createGitHubClient({
      appId: world.github.app.id,
      privateKey: world.github.app.privateKey,
      apiUrl: world.github.apiUrl,
      url: world.github.url,
      writeBurst: 1000,
      retryMs: 5,
      ...options,
    }),
  )
const failing = (path: RegExp, fault: Fault, times = 1, method?: string) => {
  world.github.faults.push({ path, times, fault, ...(method !== undefined && { method }) })
}
const status = (code: number, headers: Record<string, string> = {}, body: unknown = { message: 'No' }): Fault => ({
  kind: 'status',
  status: code,
  headers,
  body,
})
const requestsTo = (method: string, path: RegExp) =>
  world.requests.filter((request) => request.method === method && path.test(request.path))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journeyman-vc-'))
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

versionControlContract('GitHub', async (): Promise<VersionControlStage> => {
  const [writer, reader, stranger] = ['ann', 'rob', 'sam'].map((login) => world.github.addUser(login)) as [
    WorldUser,
    WorldUser,
    WorldUser,
  ]
  repository.setPermission('ann', 'write')
  repository.setPermission('rob', 'read')
  const client = createGitHubClient({
    ...world.github.app,
    ...addresses(),
    writeBurst: 1000,
    appId: world.github.app.id,
  })
  return {
    plugin: createGitHubVersionControl(client),
    ref,
    writer: actorOf(writer),
    reader: actorOf(reader),
    stranger: actorOf(stranger),
    commit: (branch, text) => repository.commit(branch, { 'file.txt': `${text} ${Math.random()}\n` }, text),
    closeChange: async (number) => {
      const route = 'PATCH /repos/{owner}/{repo}/pulls/{pull_number}'
      await client.request(ref, route, { pull_number: number, state: 'closed' }, z.unknown())
    },
    close: async () => {},
  }
})
const addresses = () => ({ apiUrl: world.github.apiUrl, url: world.github.url })

describe('GitHub in particular', () => {
  it("writes as the app's bot", async () => {
    const { bot } = world.github.app
    expect(await plugin().self()).toEqual({ login: bot.login, id: String(bot.id) })
  })

  it('tells roles of the host apart', async () => {
    for (const role of ['admin', 'maintain', 'triage'] as const) {
      const user = world.github.addUser(`with-${role}`)
      repository.setPermission(user.login, role)
      expect(await plugin().getPermission(ref, actorOf(user))).toBe(role)
    }
  })

  it('has a git credential for this repository and its contents alone', async () => {
    const { username, password } = await plugin().getGitCredential(ref)
    expect(username).toBe('x-access-token')
    const asked = requestsTo('POST', /access_tokens$/).at(-1)
    expect(asked?.body).toEqual({ repositories: ['shop'], permissions: { contents: 'write' } })
    const issue = await fetch(`${world.github.apiUrl}/repos/acme/shop/issues`, {
      method: 'POST',
      headers: { authorization: `token ${password}` },
      body: JSON.stringify({ title: 'No' }),
    })
    expect(issue.status).toBe(403)
    world.violations.length = 0
  })

  it("asks for an installation's token once, and again when it has run out or is refused", async () => {
    const host = plugin()
    const atFirst = requestsTo('POST', /access_tokens$/).length
    await Promise.all([host.getRepository(ref), host.getRepository(ref)])
    const before = requestsTo('POST', /access_tokens$/).length
    expect(before).toBe(atFirst + 1)
    await host.getRepository(ref)
    expect(requestsTo('POST', /access_tokens$/)).toHaveLength(before)
    failing(/\/repos\/acme\/shop$/, status(401, {}, { message: 'Bad credentials' }))
    await host.getRepository(ref)
    expect(requestsTo('POST', /access_tokens$/)).toHaveLength(before + 1)
    failing(/\/repos\/acme\/shop$/, status(401, {}, { message: 'Bad credentials' }), 2)
    await expect(host.getRepository(ref)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  it('renews a token that runs out in the middle', async () => {
    world.github.tokenSeconds = 30
    const host = plugin()
    await host.getRepository(ref)
    const before = requestsTo('POST', /access_tokens$/).length
    await host.getRepository(ref)
    world.github.tokenSeconds = 3600
    expect(requestsTo('POST', /access_tokens$/)).toHaveLength(before + 1)
  })

  it.each([
    ['a secondary limit', status(403, { 'retry-after': '7' }), 'rate_limited', 7000],
    ['a 429 without a time', status(429), 'rate_limited', 60_000],
    [
      'a secondary limit told in words',
      status(403, {}, { message: 'You have exceeded a secondary rate limit.' }),
      'rate_limited',
      60_000,
    ],
    ['a 403', status(403), 'forbidden', undefined],
    ['a 404', status(404), 'not_found', undefined],
    ['a 410', status(410), 'not_found', undefined],
    ['a 409', status(409), 'conflict', undefined],
    ['a 422', status(422), 'invalid_input', undefined],
    ['a 451', status(451), 'forbidden', undefined],
  ])('%s is told by its code', async (_name, fault, code, retryAfterMs) => {
    failing(/\/repos\/acme\/shop$/, fault)
    const failure = await plugin()
      .getRepository(ref)
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ code, detail: { route: 'GET /repos/{owner}/{repo}' } })
    expect(failure).toHaveProperty('retryAfterMs', retryAfterMs)
  })

  it('waits for the reset of a primary limit', async () => {
    const reset = String(Math.floor(Date.now() / 1000) + 120)
    failing(/\/repos\/acme\/shop$/, status(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset }))
    const failure = await plugin()
      .getRepository(ref)
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'rate_limited' })
    expect((failure as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(100_000)
  })

  it('tries a read again after a 5xx or a lost connection, and gives up as unavailable', async () => {
    failing(/\/repos\/acme\/shop$/, status(502))
    failing(/\/repos\/acme\/shop$/, { kind: 'drop' })
    expect((await plugin().getRepository(ref)).repository).toBe('acme/shop')
    failing(/\/repos\/acme\/shop$/, status(503), 3)
    await expect(plugin().getRepository(ref)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('sends a write once, whatever became of its answer, and finds it afterwards', async () => {
    const host = plugin()
    for (const fault of [{ kind: 'drop_after' }, { kind: 'after', status: 502 }] satisfies Fault[]) {
      const branch = `feature/lost-${fault.kind}`
      await repository.commit(branch, { 'lost.txt': `${fault.kind}\n` }, 'lost')
      failing(/\/pulls$/, fault, 1, 'POST')
      const before = requestsTo('POST', /\/pulls$/).length
      const input = { title: 'Lost', body: '', sourceBranch: branch, targetBranch: 'main', draft: false }
      await expect(host.createChange(ref, input)).rejects.toMatchObject({ code: 'unavailable' })
      expect(requestsTo('POST', /\/pulls$/)).toHaveLength(before + 1)
      expect(await host.findChange(ref, branch)).toMatchObject({ state: 'open' })
    }
  })

  it('gives up on an answer that does not come', async () => {
    const host = plugin({ timeoutMs: 200 })
    await host.getRepository(ref)
    failing(/\/repos\/acme\/shop$/, { kind: 'hang' })
    await expect(host.getRepository(ref)).rejects.toMatchObject({ code: 'timeout' })
  })

  it('says unavailable when nobody listens, and names the address', async () => {
    const options = { ...world.github.app, appId: world.github.app.id, url: 'http://127.0.0.1:1', retryMs: 5 }
    const host = createGitHubVersionControl(createGitHubClient({ ...options, apiUrl: 'http://127.0.0.1:1/api/v3' }))
    await expect(host.check()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('http://127.0.0.1:1/api/v3'),
    })
  })

  it('says which key is meant when it is no key', async () => {
    const options = { appId: '1', privateKey: 'not a key', ...addresses() }
    await expect(createGitHubVersionControl(createGitHubClient(options)).check()).rejects.toMatchObject({
      code: 'invalid_configuration',
      nextAction: expect.stringContaining('github.private_key'),
    })
  })

  it('shows no credential in what it throws', async () => {
    failing(/\/repos\/acme\/shop$/, status(404))
    const failure = await plugin()
      .getRepository(ref)
      .catch((error: Error) => error)
    expect(JSON.stringify(failure) + String(failure)).not.toMatch(/ghs_|bearer/i)
  })

  it('lists what GitHub tried to deliver, one entry each, and has one sent again', async () => {
    const host = plugin()
    const started = new Date(Date.now() - 1000)
    const { guid } = await world.github.deliver('issues', { action: 'labeled' })
    const listed = await host.listDeliveries?.(started)
    const missed = listed?.find((delivery) => delivery.deliveryId === guid)
    expect(missed).toMatchObject({ type: 'issues.labeled', ok: false })
    await host.redeliver?.((missed as { id: string }).id)
    const again = await host.listDeliveries?.(started)
    expect(again?.filter((delivery) => delivery.deliveryId === guid)).toHaveLength(1)
    expect(await host.listDeliveries?.(new Date(Date.now() + 60_000))).toEqual([])
    const entry = { event: 'issues', action: 'labeled', delivered_at: new Date().toISOString() }
    const answered = [400, 413, 401, 502].map((code, id) => ({ ...entry, id, guid: String(code), status_code: code }))
    failing(/\/app\/hook\/deliveries$/, status(200, {}, answered))
    const refused = (await host.listDeliveries?.(started))?.filter((delivery) => delivery.refused)
    expect(refused?.map(({ deliveryId }) => deliveryId)).toEqual(['400', '413'])
  })

  it('keeps the number of a delivery that is too long for a number', async () => {
    const at = new Date().toISOString()
    const entry = `"guid":"g","event":"ping","action":null,"delivered_at":"${at}","status_code":200`
    failing(/\/app\/hook\/deliveries$/, status(200, {}, `[{"id":9007199254740993,${entry}}]`))
    expect(await plugin().listDeliveries?.(new Date(0))).toMatchObject([{ id: '9007199254740993', ok: true }])
  })

  it('asks whole answers of GitHub: one that was cut off is no answer', async () => {
    failing(/\/repos\/acme\/shop$/, status(200, {}, '{"full_name":"acme/sh'), 3)
    await expect(plugin().getRepository(ref)).rejects.toMatchObject({ code: 'unavailable' })
    failing(/\/repos\/acme\/shop$/, status(200, {}, { full_name: 7 }))
    await expect(plugin().getRepository(ref)).rejects.toMatchObject({ code: 'malformed_output' })
  })

  it('says that the app is not installed on a repository', async () => {
    await world.github.createRepository('acme/private', { 'a.txt': 'a\n' }, { installed: false, private: true })
    const elsewhere = { repository: 'acme/private', installation: null }
    await expect(plugin().getRepository(elsewhere)).rejects.toMatchObject({
      code: 'not_found',
      nextAction: expect.stringContaining('installed on the repository'),
    })
  })

  it('opens a change without draft where the plan knows no drafts', async () => {
    await repository.commit('feature/plain', { 'plain.txt': 'x\n' }, 'plain')
    const body = { message: 'Draft pull requests are not supported in this repository.' }
    failing(/\/pulls$/, status(422, {}, body), 1, 'POST')
    const input = { title: 'Plain', body: '', sourceBranch: 'feature/plain', targetBranch: 'main', draft: true }
    expect(await plugin().createChange(ref, input)).toMatchObject({ draft: false, state: 'open' })
  })
})

describe('teams on GitHub', () => {
  it('are closed to an app that was not granted to see them, and told by live membership to one that was', async () => {
    const [lea, max] = ['lea', 'max'].map((login) => actorOf(world.github.addUser(login))) as [Actor, Actor]
    world.github.setTeam('acme/leads', ['Lea'])
    await expect(plugin().isTeamMember?.(ref, 'acme/leads', lea)).rejects.toMatchObject({ code: 'forbidden' })
    world.github.grant('members', 'read')
    const granted = plugin()
    expect(await granted.isTeamMember?.(ref, 'acme/leads', lea)).toBe(true)
    expect(await granted.isTeamMember?.(ref, 'acme/leads', max)).toBe(false)
    expect(await granted.isTeamMember?.(ref, 'acme/nobody', lea)).toBe(false)
    expect(await granted.isTeamMember?.(ref, 'other/leads', lea)).toBe(false)
  })
})
