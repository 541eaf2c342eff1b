import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAppAuth } from '@octokit/auth-app'
import { Octokit } from '@octokit/rest'
import { createEmulator } from 'emulate'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startWorld } from '../src/world/start-world.ts'

/**
 * A second opinion: `emulate` is a GitHub stand-in that was not written here. The same client makes the same calls of
 * both; where both answer, what the product reads of the answers must be the same.
 */
type Server = {
  name: string
  apiUrl: string
  appId: string
  privateKey: string
  makeBranch: (name: string) => Promise<unknown>
  close: () => Promise<unknown>
}

const owner = 'acme'
const repo = 'shop'
let servers: Server[] = []

beforeAll(async () => {
  servers = await Promise.all([openWorld(), openEmulate()])
})

afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()))
})

test('the same calls of the same client say the same in both', async () => {
  const [ours, theirs] = await Promise.all(servers.map((server) => converse(server)))
  expect(ours).toEqual(theirs)
})

const openWorld = async (): Promise<Server> => {
  const folder = await mkdtemp(join(tmpdir(), 'journeyman-emulate-'))
  const world = await startWorld({ folder })
  const repository = await world.github.createRepository(`${owner}/${repo}`, { 'README.md': '# Shop\n' })
  const close = async (): Promise<void> => {
    await world.close()
    await rm(folder, { recursive: true })
    expect(world.violations).toEqual([])
  }
  const { app, apiUrl } = world.github
  const makeBranch = (name: string) => repository.commit(name, { 'a.txt': 'a' }, 'A change')
  return { name: 'world', apiUrl, appId: app.id, privateKey: app.privateKey, makeBranch, close }
}

const openEmulate = async (): Promise<Server> => {
  const emulator = await createEmulator({
    service: 'github',
    port: await freePort(),
    seed: {
      github: {
        users: [{ login: owner }],
        repos: [{ owner, name: repo, auto_init: true, private: true }],
        apps: [
          {
            app_id: 4711,
            slug: 'journeyman-world',
            name: 'Journeyman',
            permissions: {
              checks: 'write',
              contents: 'write',
              issues: 'write',
              metadata: 'read',
              pull_requests: 'write',
            },
            events: ['issues'],
            installations: [{ installation_id: 100, account: owner, repository_selection: 'all' }],
          },
        ],
      },
    },
  })
  const privateKey = emulator.generatedSecrets[0]?.value ?? ''
  const makeBranch = () => Promise.resolve()
  return { name: 'emulate', apiUrl: emulator.url, appId: '4711', privateKey, makeBranch, close: () => emulator.close() }
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

/** Everything that was said, without what each server is free to choose: ids, addresses, times. */
const converse = async (server: Server): Promise<unknown> => {
  const credentials = { appId: server.appId, privateKey: server.privateKey }
  const options = { baseUrl: server.apiUrl, authStrategy: createAppAuth, log: silent }
  const asApp = new Octokit({ ...options, auth: credentials })
  const { data: app } = await asApp.rest.apps.getAuthenticated()
  const { data: installation } = await asApp.rest.apps.getRepoInstallation({ owner, repo })
  const octokit = new Octokit({ ...options, auth: { ...credentials, installationId: installation.id } })
  return {
    app: app?.slug,
    account: field(installation.account, 'login'),
    issue: await talkOfIssue(octokit),
    comments: await talkOfComments(octokit),
    check: await talkOfChecks(octokit),
    ref: await talkOfRefs(octokit),
    pull: await talkOfPull(octokit, server),
    refusals: await refusals(octokit),
  }
}

const talkOfIssue = async (octokit: Octokit): Promise<unknown> => {
  const created = await octokit.rest.issues.create({ owner, repo, title: 'A title', body: 'A body' })
  const at = { owner, repo, issue_number: created.data.number }
  const added = await octokit.rest.issues.addLabels({ ...at, labels: ['ai', 'ai:working'] })
  const removed = await octokit.rest.issues.removeLabel({ ...at, name: 'ai' })
  const read = await octokit.rest.issues.get(at)
  const { number, title, body, state, user, labels, comments } = read.data
  const permission = await octokit.rest.repos.getCollaboratorPermissionLevel({ owner, repo, username: owner })
  return {
    statuses: [created.status, added.status, removed.status, read.status],
    added: added.data.map((label) => label.name),
    removed: removed.data.map((label) => label.name),
    read: { number, title, body, state, author: user?.login, type: user?.type, comments },
    labels: labels.map((label) => (typeof label === 'string' ? label : label.name)),
    permission: permission.data.permission,
  }
}

const talkOfComments = async (octokit: Octokit): Promise<unknown> => {
  const at = { owner, repo, issue_number: 1 }
  const created = await octokit.rest.issues.createComment({ ...at, body: 'first' })
  const updated = await octokit.rest.issues.updateComment({ owner, repo, comment_id: created.data.id, body: 'second' })
  await octokit.rest.issues.createComment({ ...at, body: 'third' })
  const listed = await octokit.rest.issues.listComments({ ...at, per_page: 1, page: 2 })
  const all = await octokit.paginate(octokit.rest.issues.listComments, { ...at, per_page: 1 })
  const deleted = await octokit.rest.issues.deleteComment({ owner, repo, comment_id: created.data.id })
  return {
    statuses: [created.status, updated.status, listed.status, deleted.status],
    same: updated.data.id === created.data.id,
    author: created.data.user?.login,
    page: listed.data.map((comment) => comment.body),
    all: all.map((comment) => comment.body),
  }
}

const talkOfChecks = async (octokit: Octokit): Promise<unknown> => {
  const branch = await octokit.rest.repos.getBranch({ owner, repo, branch: 'main' })
  const sha = branch.data.commit.sha
  const run = { owner, repo, name: 'Journeyman', head_sha: sha, external_id: 'run-1' }
  const created = await octokit.rest.checks.create({ ...run, status: 'in_progress' })
  const at = { owner, repo, check_run_id: created.data.id }
  const output = { title: 'Done', summary: 'All of it' }
  const updated = await octokit.rest.checks.update({ ...at, status: 'completed', conclusion: 'success', output })
  const listed = await octokit.rest.checks.listForRef({ owner, repo, ref: sha, check_name: 'Journeyman' })
  return {
    statuses: [created.status, updated.status, listed.status],
    created: [created.data.status, created.data.conclusion, created.data.external_id, created.data.head_sha === sha],
    updated: [updated.data.status, updated.data.conclusion, updated.data.output.title, updated.data.output.summary],
    listed: [listed.data.total_count, listed.data.check_runs[0]?.external_id],
  }
}

const talkOfRefs = async (octokit: Octokit): Promise<unknown> => {
  const main = await octokit.rest.git.getRef({ owner, repo, ref: 'heads/main' })
  const sha = main.data.object.sha
  const made = await octokit.rest.git.createRef({ owner, repo, ref: 'refs/heads/topic', sha })
  const gone = await octokit.rest.git.deleteRef({ owner, repo, ref: 'heads/topic' })
  return { ref: made.data.ref, statuses: [made.status, gone.status] }
}

const talkOfPull = async (octokit: Octokit, server: Server): Promise<unknown> => {
  await server.makeBranch('feature/a')
  const wanted = { owner, repo, title: 'A change', body: 'Why', head: 'feature/a', base: 'main', draft: true }
  const created = await octokit.rest.pulls.create(wanted)
  const at = { owner, repo, pull_number: created.data.number }
  const updated = await octokit.rest.pulls.update({ ...at, title: 'A better change' })
  const listed = await octokit.rest.pulls.list({ owner, repo, head: `${owner}:feature/a`, state: 'all' })
  const { number, title, body, state, draft, merged, head, base } = updated.data
  return {
    statuses: [created.status, updated.status, listed.status],
    pull: { number, title, body, state, draft, merged, head: [head.ref, head.label], base: [base.ref, base.label] },
    listed: listed.data.map((pull) => pull.number),
  }
}

const refusals = async (octokit: Octokit): Promise<unknown> => {
  const there = { owner, repo }
  return {
    issue: await statusOf(octokit.rest.issues.get({ ...there, issue_number: 999 })),
    label: await statusOf(octokit.rest.issues.removeLabel({ ...there, issue_number: 1, name: 'never' })),
    branch: await statusOf(octokit.rest.repos.getBranch({ ...there, branch: 'nowhere' })),
    repository: await statusOf(octokit.rest.repos.get({ owner, repo: 'nothing' })),
  }
}

const statusOf = (answer: Promise<{ status: number }>): Promise<unknown> =>
  answer.then(
    ({ status }) => status,
    (error: unknown) => field(error, 'status'),
  )

const field = (value: unknown, name: string): unknown => (value as Record<string, unknown> | null)?.[name]

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
