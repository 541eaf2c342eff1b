import { generateKeyPairSync } from 'node:crypto'
import { createAppAuth } from '@octokit/auth-app'
import { Octokit } from '@octokit/rest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { acmeShop, openTestWorld, type TestWorld, tokenClient } from '../test-client.ts'

let at: TestWorld

beforeAll(async () => {
  at = await openTestWorld()
  await at.world.github.createRepository('acme/other', { a: 'a' })
  await at.world.github.createRepository('else/secret', { a: 'a' }, { installed: false })
})
afterAll(() => at.close())

const issue = async (wanted: { repositories?: string[]; permissions?: Record<string, 'read' | 'write'> } = {}) => {
  const { data } = await at.asApp.rest.apps.createInstallationAccessToken({
    installation_id: at.installation,
    ...wanted,
  })
  return data.token
}

test('a token for one repository sees no other, and is told that there is none', async () => {
  const client = tokenClient(at.world, await issue({ repositories: ['shop'] }))
  expect((await client.rest.repos.get(acmeShop)).data.full_name).toBe('acme/shop')
  await expect(client.rest.repos.get({ owner: 'acme', repo: 'other' })).rejects.toMatchObject({ status: 404 })
  await expect(client.rest.repos.get({ owner: 'else', repo: 'secret' })).rejects.toMatchObject({ status: 404 })
})

test('a token with fewer permissions may do less, and none may do more than its app', async () => {
  const client = tokenClient(at.world, await issue({ permissions: { issues: 'read' } }))
  await client.rest.issues.listForRepo(acmeShop)
  await expect(client.rest.issues.create({ ...acmeShop, title: 'x' })).rejects.toThrow(
    'Resource not accessible by integration',
  )
  await expect(issue({ permissions: { administration: 'write' } })).rejects.toMatchObject({ status: 422 })
  await expect(issue({ repositories: ['nothing'] })).rejects.toMatchObject({ status: 422 })
})

test('a token runs out', async () => {
  at.world.github.tokenSeconds = 0
  const client = tokenClient(at.world, await issue())
  at.world.github.tokenSeconds = 3600
  await expect(client.rest.repos.get(acmeShop)).rejects.toMatchObject({
    status: 401,
    message: expect.stringContaining('Bad credentials'),
  })
})

test('a signature by another key is no app', async () => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const auth = { appId: at.world.github.app.id, privateKey }
  const impostor = new Octokit({
    baseUrl: at.world.github.apiUrl,
    authStrategy: createAppAuth,
    auth,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  })
  await expect(impostor.rest.apps.getAuthenticated()).rejects.toMatchObject({ status: 401 })
})

test('without a token there is nothing', async () => {
  const answer = await fetch(`${at.world.github.apiUrl}/repos/acme/shop`)
  expect([answer.status, answer.headers.get('x-ratelimit-limit')]).toEqual([401, '5000'])
})

test('an app that was taken off a repository finds it gone', async () => {
  const token = await issue()
  at.repository.installed = false
  await expect(tokenClient(at.world, token).rest.repos.get(acmeShop)).rejects.toMatchObject({ status: 404 })
  await expect(at.asApp.rest.apps.getRepoInstallation(acmeShop)).rejects.toMatchObject({ status: 404 })
  at.repository.installed = true
})
