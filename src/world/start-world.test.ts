import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAppAuth } from '@octokit/auth-app'
import { Octokit } from '@octokit/rest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { World, WorldRepository } from './contract.ts'
import { startWorld } from './start-world.ts'

let folder: string
let world: World
let repository: WorldRepository
let octokit: Octokit

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journeyman-world-'))
  world = await startWorld({ folder })
  repository = await world.github.createRepository('acme/shop', { 'README.md': '# Shop\n', 'src/a.js': 'let a = 1\n' })
  const { app, apiUrl } = world.github
  const asApp = new Octokit({
    baseUrl: apiUrl,
    authStrategy: createAppAuth,
    auth: { appId: app.id, privateKey: app.privateKey },
  })
  const { data } = await asApp.rest.apps.getRepoInstallation({ owner: 'acme', repo: 'shop' })
  octokit = new Octokit({
    baseUrl: apiUrl,
    authStrategy: createAppAuth,
    auth: { appId: app.id, privateKey: app.privateKey, installationId: data.id },
  })
})

afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true })
})

const there = { owner: 'acme', repo: 'shop' }

test('a labelled issue is told to the receiver as the vendor would tell it', async () => {
  const received: string[] = []
  const server = createServer((request, response) => {
    received.push(String(request.headers['x-github-event']))
    response.writeHead(202).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  world.github.webhookUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/github`
  const issue = repository.createIssue({ title: 'Add a discount', body: 'Please.' })
  const answer = await repository.label(issue.number, 'ai', world.github.addUser('alice'))
  server.close()
  expect(answer.status).toBe(202)
  expect(received).toEqual(['issues'])
  expect(world.violations).toEqual([])
})

test("an issue, its labels, its comments and its reactions, by the vendor's own client", async () => {
  const { data: issue } = await octokit.rest.issues.create({ ...there, title: 'One', body: 'Two' })
  const at = { ...there, issue_number: issue.number }
  await octokit.rest.issues.addLabels({ ...at, labels: ['ai:working'] })
  await octokit.rest.issues.removeLabel({ ...at, name: 'ai:working' })
  await octokit.rest.issues.setLabels({ ...at, labels: ['a', 'b'] })
  const { data: comment } = await octokit.rest.issues.createComment({ ...at, body: 'first' })
  await octokit.rest.issues.updateComment({ ...there, comment_id: comment.id, body: 'second' })
  await octokit.rest.reactions.createForIssue({ ...at, content: 'eyes' })
  await octokit.rest.reactions.createForIssueComment({ ...there, comment_id: comment.id, content: 'eyes' })
  await octokit.rest.issues.update({ ...at, state: 'closed' })
  expect(repository.issue(issue.number)).toMatchObject({ labels: ['a', 'b'], state: 'closed' })
  expect(repository.comments(issue.number)).toMatchObject([{ edits: 1, history: ['first', 'second'] }])
  expect(repository.reactions(issue.number)).toEqual([{ user: world.github.app.bot.login, content: 'eyes' }])
  expect(world.violations).toEqual([])
})

test("a pull request by GitHub's own rules", async () => {
  const sha = await repository.commit('feature/x', { 'src/b.js': 'let b = 2\n', 'src/a.js': 'let a = 3\n' }, 'change')
  const pull = { ...there, title: 'A change', head: 'feature/x', base: 'main', body: 'text' }
  await expect(octokit.rest.pulls.create({ ...pull, head: 'nowhere' })).rejects.toMatchObject({ status: 422 })
  const { data } = await octokit.rest.pulls.create(pull)
  expect(data).toMatchObject({ head: { sha }, changed_files: 2, commits: 1 })
  await expect(octokit.rest.pulls.create(pull)).rejects.toThrow('A pull request already exists for acme:feature/x.')
  const files = await octokit.rest.pulls.listFiles({ ...there, pull_number: data.number })
  expect(files.data.map(({ filename, status }) => [filename, status])).toEqual([
    ['src/a.js', 'modified'],
    ['src/b.js', 'added'],
  ])
  await octokit.rest.pulls.get({ ...there, pull_number: data.number })
  await octokit.rest.pulls.update({ ...there, pull_number: data.number, title: 'Other' })
  await octokit.rest.pulls.list({ ...there, head: 'acme:feature/x', state: 'all' })
  await octokit.rest.repos.compareCommitsWithBasehead({ ...there, basehead: 'main...feature/x' })
  await octokit.rest.repos.getBranch({ ...there, branch: 'feature/x' })
  await octokit.rest.git.getRef({ ...there, ref: 'heads/feature/x' })
  await octokit.rest.repos.getCommit({ ...there, ref: 'feature/x' })
  await octokit.rest.repos.getContent({ ...there, path: 'src/a.js', ref: 'feature/x' })
  await octokit.rest.repos.getContent({ ...there, path: 'src' })
  const { data: run } = await octokit.rest.checks.create({
    ...there,
    name: 'journeyman',
    head_sha: sha,
    status: 'in_progress',
  })
  await octokit.rest.checks.update({ ...there, check_run_id: run.id, status: 'completed', conclusion: 'success' })
  await octokit.rest.checks.listForRef({ ...there, ref: sha, check_name: 'journeyman' })
  await octokit.rest.repos.getCollaboratorPermissionLevel({ ...there, username: 'alice' })
  await octokit.rest.users.getByUsername({ username: world.github.app.bot.login })
  await octokit.rest.repos.get(there)
  await octokit.rest.git.deleteRef({ ...there, ref: 'heads/feature/x' })
  expect(repository.pulls()).toMatchObject([{ title: 'Other', state: 'closed' }])
  expect(world.violations).toEqual([])
})

test('the app itself, and its deliveries', async () => {
  const { app, apiUrl } = world.github
  const asApp = new Octokit({
    baseUrl: apiUrl,
    authStrategy: createAppAuth,
    auth: { appId: app.id, privateKey: app.privateKey },
  })
  expect((await asApp.rest.apps.getAuthenticated()).data?.slug).toBe(app.slug)
  await asApp.rest.apps.listInstallations()
  const { data } = await asApp.rest.apps.listWebhookDeliveries()
  await asApp.rest.apps.getWebhookDelivery({ delivery_id: data[0]!.id })
  await asApp.rest.apps.redeliverWebhookDelivery({ delivery_id: data[0]!.id })
  expect(world.github.deliveries.length).toBe(data.length + 1)
  expect(world.violations).toEqual([])
})
