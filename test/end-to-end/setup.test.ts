import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runChecks, runSetup } from '../../src/workspace/checks.ts'
import type { Workspace } from '../../src/workspace/contract.ts'
import { bubblewrapMissing, testLimits } from '../../src/workspace/sandbox/sandbox.fixture.ts'
import { createSandbox, type Sandbox } from '../../src/workspace/sandbox/sandbox.ts'
import { openTestRoom, type TestRoom } from '../../src/workspace/test-support/open-test-room.ts'

const run = promisify(execFile)
const missing = await bubblewrapMissing()
const registry = 'registry.test'

/**
 * A repository whose tests need a package installed. The whole application has no switch that lets a host of this machine
 * through the proxy, and is to have none; so these use the workspace, with the proxy's option for tests.
 */
describe.skipIf(missing !== null)('a repository whose tests need its packages', () => {
  let folder: string
  let site: Server
  let asked: string[]
  let sandbox: Sandbox
  let room: TestRoom
  let tarball: Buffer

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'journeyman-setup-'))
    await chmod(folder, 0o755)
    tarball = await packed(folder)
    asked = []
    site = createServer((request, response) => {
      asked.push(`${request.headers.host}${request.url}`)
      if (request.url === '/tiny/-/tiny-1.0.0.tgz') response.end(tarball)
      else response.writeHead(404).end()
    }).listen(0, '127.0.0.1')
    await once(site, 'listening')
    const { port } = site.address() as AddressInfo
    const proxy = { loopbackHost: { host: registry, port } }
    sandbox = await createSandbox({
      kind: 'bubblewrap',
      limits: testLimits,
      scratchDir: join(folder, 'scratch'),
      proxy,
    })
    room = await openTestRoom({ sandbox })
  })
  afterAll(async () => {
    await room.close()
    await sandbox.close()
    site.close()
    await rm(folder, { recursive: true, force: true })
  })

  const open = async (name: string, settings: string): Promise<Workspace> => {
    const files = { ...filesNeeding(tarball), '.journeyman.yml': settings }
    return room.open(`run_${name}`, await room.server.createRepository(name, files))
  }
  const signal = AbortSignal.timeout(80_000)
  const limits = { timeoutMs: 60_000 }
  const command = async (workspace: Workspace, text: string): Promise<{ exitCode: number | null; output: string }> =>
    workspace.run({ command: text, timeoutMs: 30_000, signal })

  it('has them set up through the proxy, its checks pass, and the agent itself has no network', async () => {
    const workspace = await open(
      'allowed',
      `setup:\n  - npm ci --ignore-scripts\nchecks:\n  - name: tests\n    command: node --test\nallowed_domains:\n  - ${registry}\n`,
    )
    const [before] = await runChecks(workspace, 'before', signal)
    expect(before?.exitCode).toBe(1)
    const [installed] = await runSetup(workspace, limits, signal)
    expect({ exitCode: installed?.exitCode, output: installed?.outputTail }).toMatchObject({ exitCode: 0 })
    expect(asked).toEqual([`${registry}/tiny/-/tiny-1.0.0.tgz`])
    const [after] = await runChecks(workspace, 'after', signal)
    expect(after).toMatchObject({ name: 'tests', exitCode: 0 })
    expect(await workspace.proposal()).toEqual([])

    for (const attempt of [
      `curl -sS -m 5 http://${registry}/tiny/-/tiny-1.0.0.tgz`,
      `curl -sS -m 5 -x http://127.0.0.1:3128 http://${registry}/tiny/-/tiny-1.0.0.tgz`,
      `node -e "fetch('http://${registry}/').then(r => r.text(), () => { process.exitCode = 7 })"`,
      `timeout 5 bash -c 'echo > /dev/tcp/127.0.0.1/${(site.address() as AddressInfo).port}'`,
      'env | grep -i proxy',
    ]) {
      expect({ attempt, exitCode: (await command(workspace, attempt)).exitCode }).not.toMatchObject({ exitCode: 0 })
    }
    expect(asked).toHaveLength(1)
  })

  it('reaches no other host, not even from its set-up, and the record says what was refused', async () => {
    const get = (url: string) =>
      `node -e "fetch('${url}').then(async (r) => { console.log(r.status, await r.text()); process.exitCode = r.ok ? 0 : 9 }, (e) => { console.log(e.cause?.message ?? e.message); process.exitCode = 9 })"`
    const { port } = site.address() as AddressInfo
    const hosts = [
      `http://elsewhere.test/`,
      `http://${registry}.elsewhere.test/`,
      `http://127.0.0.1:${port}/`,
      'http://169.254.169.254/',
    ]
    for (const [index, host] of hosts.entries()) {
      const settings = { setup: [get(host), 'echo never'], checks: [], allowed_domains: [registry] }
      const workspace = await open(`other${index}`, JSON.stringify(settings))
      const [first, second] = await runSetup(workspace, limits, signal)
      expect({ host, exitCode: first?.exitCode }).toEqual({ host, exitCode: 9 })
      expect(second).toMatchObject({ exitCode: null, reason: expect.stringContaining('was not run') })
      if (index < 2) expect(first?.outputTail).toContain("is not among the repository's allowed_domains")
    }
    expect(asked.filter((url) => !url.startsWith(`${registry}/tiny/`))).toEqual([])
  })
})

/** The package as a registry hands it out. */
const packed = async (folder: string): Promise<Buffer> => {
  await mkdir(join(folder, 'package'))
  await writeFile(join(folder, 'package/package.json'), '{"name":"tiny","version":"1.0.0","main":"index.js"}')
  await writeFile(join(folder, 'package/index.js'), 'module.exports = () => 42\n')
  await run('tar', ['-czf', 'tiny.tgz', 'package'], { cwd: folder })
  return readFile(join(folder, 'tiny.tgz'))
}

const filesNeeding = (tarball: Buffer): Record<string, string> => {
  const dependencies = { tiny: '1.0.0' }
  const root = { name: 'needy', version: '1.0.0', dependencies }
  const tiny = {
    version: '1.0.0',
    resolved: `http://${registry}/tiny/-/tiny-1.0.0.tgz`,
    integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
  }
  const lock = { ...root, lockfileVersion: 3, requires: true, packages: { '': root, 'node_modules/tiny': tiny } }
  return {
    'package.json': JSON.stringify({ ...root, private: true }),
    'package-lock.json': JSON.stringify(lock),
    '.gitignore': 'node_modules/\n',
    'tiny.test.js': `const { test } = require('node:test')\ntest('tiny', () => { if (require('tiny')() !== 42) throw new Error('wrong') })\n`,
  }
}
