import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { acmeShop, openTestWorld, type TestWorld } from '../test-client.ts'

const run = promisify(execFile)
let at: TestWorld
let folder: string
let clone: string

beforeAll(async () => {
  at = await openTestWorld()
  folder = await mkdtemp(join(tmpdir(), 'journeyman-git-'))
  clone = join(folder, 'clone')
  await run('git', ['clone', '--quiet', await address({ contents: 'write' }), clone])
})
afterAll(async () => {
  await at.close()
  await rm(folder, { recursive: true })
})

const address = async (permissions: Record<string, 'read' | 'write'>, name = 'shop'): Promise<string> => {
  const wanted = { installation_id: at.installation, repositories: ['shop'], permissions }
  const { data } = await at.asApp.rest.apps.createInstallationAccessToken(wanted)
  return `${at.world.github.url.replace('://', `://x-access-token:${data.token}@`)}/acme/${name}.git`
}

const git = async (...args: string[]): Promise<string> => {
  const who = ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.com']
  return (await run('git', ['-C', clone, ...who, ...args])).stdout.trim()
}

const commit = async (name: string): Promise<string> => {
  await writeFile(join(clone, name), `${name}\n`)
  await git('add', '-A')
  await git('commit', '--quiet', '-m', name)
  return git('rev-parse', 'HEAD')
}

test('a push with a token is there, and the pull request has seen it', async () => {
  const head = 'topic'
  await commit('one')
  await git('push', '--quiet', 'origin', `HEAD:refs/heads/${head}`)
  const { data } = await at.octokit.rest.pulls.create({ ...acmeShop, title: 'Topic', head, base: 'main' })
  const second = await commit('two')
  await git('push', '--quiet', 'origin', `HEAD:refs/heads/${head}`)
  expect(at.repository.pulls()).toMatchObject([{ number: data.number, headSha: second }])
})

test('a push larger than git sends in one piece arrives whole', async () => {
  await writeFile(
    join(clone, 'large'),
    Buffer.alloc(3_000_000, 'abc').map((byte, at) => (byte * at) % 251),
  )
  const sha = await commit('beside-large')
  await git('-c', 'core.compression=0', 'push', '--quiet', 'origin', 'HEAD:refs/heads/large')
  expect((await at.repository.git('rev-parse', 'large')).trim()).toBe(sha)
})

test('a lease on another commit than the one that is there is refused', async () => {
  await at.repository.commit('leased', { x: 'x' }, 'by somebody else')
  const lease = `--force-with-lease=leased:${await git('rev-parse', 'HEAD')}`
  await expect(git('push', '--quiet', lease, 'origin', 'HEAD:refs/heads/leased')).rejects.toThrow('stale info')
})

test('without a token, with a reading one, and for another repository there is no way in', async () => {
  await at.world.github.createRepository('acme/other', { a: 'a' })
  const attempt = (url: string, ...rest: string[]) =>
    run('git', ['-c', 'credential.helper=', 'push', url, ...rest], { cwd: clone })
  const bare = await fetch(`${at.repository.cloneUrl}/info/refs?service=git-upload-pack`)
  expect([bare.status, bare.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="GitHub"'])
  await expect(attempt(await address({ contents: 'read' }), 'HEAD:refs/heads/no')).rejects.toThrow('403')
  await expect(attempt(await address({ contents: 'write' }, 'other'), 'HEAD:refs/heads/no')).rejects.toThrow('403')
  at.repository.archived = true
  await expect(attempt(await address({ contents: 'write' }), 'HEAD:refs/heads/no')).rejects.toThrow('403')
  at.repository.archived = false
})

test('a push whose answer is lost is there all the same', async () => {
  const fault = { kind: 'drop_after' } as const
  at.world.github.faults.push({ method: 'POST', path: /git-receive-pack$/, times: 1, fault })
  const sha = await commit('lost')
  await expect(git('push', '--quiet', 'origin', 'HEAD:refs/heads/lost')).rejects.toThrow()
  expect((await at.repository.git('rev-parse', 'lost')).trim()).toBe(sha)
})
