import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { acmeShop, openTestWorld, type TestWorld } from '../test-client.ts'

let at: TestWorld

beforeAll(async () => {
  at = await openTestWorld()
})
afterEach(() => expect(at.world.violations).toEqual([]))
afterAll(() => at.close())

const change = { 'src/b.js': 'let b = 2\n', 'src/a.js': 'let a = 3\n' }

test('a pull request is opened once, from a branch that is there and ahead', async () => {
  const { octokit, repository } = at
  const sha = await repository.commit('feature/x', change, 'feat: change')
  await repository.git('branch', 'even', 'main')
  const pull = { ...acmeShop, title: 'A change', head: 'feature/x', base: 'main', body: 'text' }
  const { data } = await octokit.rest.pulls.create(pull)
  expect(data).toMatchObject({ head: { sha }, changed_files: 2, commits: 1, additions: 2, deletions: 1 })
  const refusal = (changes: object) => octokit.rest.pulls.create({ ...pull, ...changes }).catch((error) => error)
  expect((await refusal({})).response.data.errors).toEqual([
    { resource: 'PullRequest', code: 'custom', message: 'A pull request already exists for acme:feature/x.' },
  ])
  expect((await refusal({ head: 'nowhere' })).response.data.errors).toEqual([
    { resource: 'PullRequest', field: 'head', code: 'invalid' },
  ])
  expect((await refusal({ head: 'even' })).response.data.errors[0].message).toBe('No commits between main and even')
  expect(repository.pulls()).toHaveLength(1)
})

test('its files, its comparison and its contents are those of the repository', async () => {
  const { octokit, repository } = at
  await repository.commit('feature/files', { ...change, 'bin/data': '\0\u0001' }, 'feat: files')
  const head = 'feature/files'
  const { data: pull } = await octokit.rest.pulls.create({ ...acmeShop, title: 'Files', head, base: 'main' })
  const { data: files } = await octokit.rest.pulls.listFiles({ ...acmeShop, pull_number: pull.number })
  expect(files.map(({ filename, status, patch }) => [filename, status, patch])).toEqual([
    ['bin/data', 'added', undefined],
    ['src/a.js', 'modified', '@@ -1 +1 @@\n-let a = 1\n+let a = 3'],
    ['src/b.js', 'added', '@@ -0,0 +1 @@\n+let b = 2'],
  ])
  const { data: comparison } = await octokit.rest.repos.compareCommitsWithBasehead({
    ...acmeShop,
    basehead: `main...${head}`,
  })
  expect([comparison.status, comparison.ahead_by, comparison.files?.length]).toEqual(['ahead', 1, 3])
  const { data: file } = await octokit.rest.repos.getContent({ ...acmeShop, path: 'src/a.js', ref: head })
  const content = 'content' in file ? Buffer.from(file.content ?? '', 'base64').toString() : ''
  expect(content).toBe('let a = 3\n')
  const { data: commit } = await octokit.rest.repos.getCommit({ ...acmeShop, ref: head })
  expect(commit.commit.message).toBe('feat: files')
})

test('it follows its branch, and is closed when the branch goes', async () => {
  const { octokit, repository } = at
  const head = 'feature/moving'
  await repository.commit(head, change, 'one')
  const { data } = await octokit.rest.pulls.create({ ...acmeShop, title: 'Moving', head, base: 'main', draft: true })
  const second = await repository.commit(head, { 'c.txt': 'c' }, 'two')
  const { data: moved } = await octokit.rest.pulls.get({ ...acmeShop, pull_number: data.number })
  expect([moved.head.sha, moved.commits, moved.draft]).toEqual([second, 2, true])
  const { data: branch } = await octokit.rest.repos.getBranch({ ...acmeShop, branch: head })
  expect(branch.commit.sha).toBe(second)
  await octokit.rest.git.deleteRef({ ...acmeShop, ref: `heads/${head}` })
  await expect(octokit.rest.git.getRef({ ...acmeShop, ref: `heads/${head}` })).rejects.toMatchObject({ status: 404 })
  const { data: found } = await octokit.rest.pulls.list({ ...acmeShop, head: `acme:${head}`, state: 'all' })
  expect(found.map(({ number, state }) => [number, state])).toEqual([[data.number, 'closed']])
})

test('a list by a bare branch name filters nothing, as on GitHub', async () => {
  const { data: all } = await at.octokit.rest.pulls.list({ ...acmeShop, state: 'all' })
  const { data: bare } = await at.octokit.rest.pulls.list({ ...acmeShop, state: 'all', head: 'no-such-branch' })
  const { data: full } = await at.octokit.rest.pulls.list({ ...acmeShop, state: 'all', head: 'acme:no-such-branch' })
  expect([bare.length, full.length]).toEqual([all.length, 0])
})

test('a check run is found again by the name and the commit', async () => {
  const { octokit, repository } = at
  const head_sha = await repository.commit('checked', { 'd.txt': 'd' }, 'checked')
  const run = { ...acmeShop, name: 'Journeyman', head_sha, external_id: 'run-7' }
  const { data: created } = await octokit.rest.checks.create({ ...run, status: 'in_progress' })
  const output = { title: 'Done', summary: 'All' }
  await octokit.rest.checks.update({ ...acmeShop, check_run_id: created.id, conclusion: 'success', output })
  const listed = await octokit.rest.checks.listForRef({ ...acmeShop, ref: head_sha, check_name: 'Journeyman' })
  expect(listed.data.check_runs).toMatchObject([{ external_id: 'run-7', status: 'completed', conclusion: 'success' }])
  await octokit.rest.checks.update({ ...acmeShop, check_run_id: created.id, status: 'in_progress' })
  expect(repository.checkRuns()).toMatchObject([{ status: 'in_progress', conclusion: null, title: 'Done' }])
  const unknown = octokit.rest.checks.create({ ...run, head_sha: '0'.repeat(40) })
  await expect(unknown).rejects.toThrow('No commit found for SHA')
})

test('a merge is a commit on the base, and the pull request says so', async () => {
  const { octokit, repository, world } = at
  await repository.commit('feature/merged', { 'm.txt': 'm' }, 'feat: m')
  const wanted = { ...acmeShop, title: 'Merged', head: 'feature/merged', base: 'main' }
  const { data } = await octokit.rest.pulls.create(wanted)
  await repository.closePull(data.number, world.github.addUser('alice'), { merge: true })
  const { data: read } = await octokit.rest.pulls.get({ ...acmeShop, pull_number: data.number })
  expect([read.merged, read.state, read.merged_by?.login]).toEqual([true, 'closed', 'alice'])
  expect((await repository.git('rev-parse', 'main')).trim()).toBe(read.merge_commit_sha)
  expect(await repository.git('show', 'main:m.txt')).toBe('m')
})

test('its address leads to a page, on which nothing that was written is markup', async () => {
  const { octokit, repository } = at
  await repository.commit('feature/page', { 'p.txt': '<b>p</b>' }, 'feat: p')
  const wanted = { ...acmeShop, title: '<script>x</script>', body: 'Why', head: 'feature/page', base: 'main' }
  const { data } = await octokit.rest.pulls.create(wanted)
  const page = await (await fetch(data.html_url)).text()
  expect(page).toContain('&lt;script&gt;x&lt;/script&gt;')
  expect(page).toContain('+&lt;b&gt;p&lt;/b&gt;')
  expect(page).not.toContain('<script')
  expect((await fetch(`${data.html_url}99`)).status).toBe(404)
})
