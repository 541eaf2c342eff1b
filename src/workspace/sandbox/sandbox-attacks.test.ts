import { once } from 'node:events'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf } from '../../domain/errors.ts'
import type { SandboxedFiles } from './file-server.ts'
import { bubblewrapMissing, openTestSandbox, type TestSandbox } from './sandbox.fixture.ts'

const missing = await bubblewrapMissing()
const title = missing === null ? 'an attack from inside the sandbox' : `attacks: SKIPPED, since ${missing}`

describe.skipIf(missing !== null)(title, () => {
  let box: TestSandbox
  let files: SandboxedFiles
  beforeAll(async () => {
    box = await openTestSandbox('bubblewrap')
    files = box.sandbox.files(box.root, box.scratch)
    await mkdir(join(box.folder, 'other'))
    await writeFile(join(box.folder, 'other/secret.txt'), 'canary-of-the-host')
    await box.sandbox.ownWorktree(join(box.folder, 'other'))
  })
  afterAll(async () => {
    await files.close()
    await box.close()
  })
  const output = async (command: string): Promise<string> => (await box.run(command)).output

  test('the self-test attempted the escapes, and all of them failed', () => {
    const { usable, attempts, summary } = box.sandbox.status
    expect(usable).toBe(true)
    expect(summary).toContain(`${attempts.length} attempts`)
    expect(attempts.filter(({ held }) => !held)).toEqual([])
    expect(attempts.length).toBeGreaterThan(18)
  })

  test('~/.ssh, /etc/shadow, the database and other workspaces are not there', async () => {
    const paths = [
      '/root',
      '/etc/shadow',
      '/home/*/.ssh',
      process.cwd(),
      box.folder,
      join(box.folder, 'other/secret.txt'),
    ]
    for (const path of paths)
      expect(await output(`cat ${path} 2>/dev/null; ls -A ${path} 2>/dev/null`)).not.toMatch(
        /\S+secret|canary|src|root:/,
      )
    expect(
      await output('grep -rl canary-of-the-host / --exclude-dir=proc --exclude-dir=usr --exclude-dir=opt 2>/dev/null'),
    ).toBe('')
  })

  test('only the work tree, the home and the memory folders are writable', async () => {
    const mounts = await output(
      `awk '{print $5}' /proc/self/mountinfo | while read d; do [ -d $d ] && touch $d/w 2>/dev/null && rm $d/w && echo $d; done`,
    )
    const folders =
      'find / -xdev -type d -writable 2>/dev/null | while read d; do touch $d/w 2>/dev/null && rm $d/w && echo $d; done'
    expect((await output(folders)).trim().split('\n').sort()).toEqual(['/home/agent', '/tmp', '/workspace'])
    expect(mounts.trim().split('\n').sort()).toEqual(['/dev/shm', '/home/agent', '/tmp', '/workspace'])
  })

  test('/proc/*/environ shows the sandbox only, by the shell and by the read tool', async () => {
    const seen = (await output(`cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'`)).split('\n')
    expect(seen.filter((line) => line.startsWith('VITEST') || line.startsWith('npm_lifecycle'))).toEqual([])
    expect(Number(await output('ls -d /proc/[0-9]* | wc -l'))).toBeLessThan(10)
    await symlink('/proc/1/environ', join(box.root, 'environ'))
    expect(await files.read('environ').catch(codeOf)).toBe('invalid_input')
  })

  test('remounting as root fails: there is no root, and no capability', async () => {
    expect(await output('id -u; grep CapEff /proc/self/status')).toMatch(/^1000\nCapEff:\s+0+\n$/)
    expect((await box.run('mount -o remount,rw /usr || mount --bind /tmp /usr || umount /proc')).exitCode).not.toBe(0)
    expect((await box.run('su -c id || sudo -n id')).exitCode).not.toBe(0)
  })

  test('a symbolic link in the work tree is no mount point of the next command', async () => {
    await box.run('rm -rf /home/agent/* ; ln -s /etc /workspace/link; ln -s /workspace /home/agent/link')
    expect(await output('findmnt -rno TARGET 2>/dev/null | grep -E "^/(workspace|home/agent)/" ; true')).toBe('')
  })

  test('nested namespaces cannot be made', async () => {
    for (const command of ['unshare -U true', 'unshare -r true', 'unshare -n true', 'unshare -m true']) {
      expect((await box.run(command)).exitCode).not.toBe(0)
    }
    expect((await box.run('bwrap --unshare-user --ro-bind / / true')).exitCode).not.toBe(0)
  })

  test('the docker socket is not there, and abstract sockets of the host are out of reach', async () => {
    const server = createServer((socket) => socket.end('escaped')).listen({ path: `\0journeyman-test-${process.pid}` })
    await once(server, 'listening')
    const script = `require('net').connect('\\0journeyman-test-${process.pid}').on('data',d=>console.log(''+d)).on('error',e=>console.log(e.code))`
    await writeFile(join(box.root, 'abstract.cjs'), script)
    expect(await output('node abstract.cjs')).toBe('ECONNREFUSED\n')
    server.close()
    expect((await box.run('ls /var/run/docker.sock /run/docker.sock')).exitCode).not.toBe(0)
  })

  test('terminal injection: there is no terminal', async () => {
    expect((await box.run('echo x > /dev/tty')).exitCode).not.toBe(0)
    expect(await output('ps -o tty= -p $$ 2>/dev/null || echo "?"')).toContain('?')
  })

  test('direct TCP to the host, to the metadata address and DNS lead nowhere', async () => {
    const server = createServer((socket) => socket.end('escaped')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    for (const target of [`127.0.0.1/${port}`, '169.254.169.254/80', '1.1.1.1/53']) {
      expect((await box.run(`timeout 5 cat < /dev/tcp/${target}`)).exitCode).not.toBe(0)
    }
    expect(await output('getent hosts example.com; ls /etc/resolv.conf 2>/dev/null; true')).toBe('')
    expect(await output('tail -n +3 /proc/net/dev | cut -d: -f1')).toMatch(/^\s*lo\s*$/)
    server.close()
  })

  test('a fork bomb ends in refused forks, and the next command runs', async () => {
    const result = await box.run('bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep 1', { timeoutMs: 5000 })
    expect(result.timedOut).toBe(false)
    expect(await output('echo alive')).toBe('alive\n')
  })

  test('what lies in memory file systems counts as memory', async () => {
    const fill =
      'for i in 1 2 3 4 5 6 7 8; do head -c 60000000 /dev/zero > /tmp/$i; done; for i in 1 2 3 4; do head -c 60000000 /dev/zero > /dev/shm/$i; done'
    const hold = `node -e 'const a=Buffer.alloc(500e6,1);setTimeout(()=>console.log("survived",a.length),3000)'`
    const result = await box.run(`${fill}; ${hold}`)
    expect(result.output).toContain('more memory than allowed')
    expect(result.output).not.toContain('survived')
  })

  test('the network of a repository that names domains is these domains, by the proxy only', async () => {
    const site = createHttpServer((_, response) => response.end('the registry')).listen(0, '127.0.0.1')
    await once(site, 'listening')
    const proxy = { loopbackHost: { host: 'registry.test', port: (site.address() as AddressInfo).port } }
    const open = await openTestSandbox('bubblewrap', { proxy })
    const fetchText = (url: string): string =>
      `node -e "fetch('${url}').then(async r => console.log(r.status, await r.text())).catch(e => console.log('failed', e.cause?.code))"`
    const get = (url: string, network = true) =>
      open.run(fetchText(url), { network, allowedDomains: ['registry.test'] })
    expect((await get('http://registry.test/')).output).toBe('200 the registry\n')
    expect((await get('http://registry.test/', false)).output).toContain('failed')
    expect((await get('http://other.test/')).output).not.toContain('the registry')
    expect((await get(`http://127.0.0.1:${proxy.loopbackHost.port}/`)).output).toContain('failed')
    expect((await open.run('exit 9', { network: true, allowedDomains: ['registry.test'] })).exitCode).toBe(9)
    expect(await open.run('true', { network: true, allowedDomains: ['10.0.0.1'] }).catch(codeOf)).toBe(
      'invalid_configuration',
    )
    expect(await readdir(join(open.folder, 'scratch/proxies'))).toEqual([])
    await open.close()
    site.close()
  })

  test('renaming and linking while the tools write changes nothing outside of the work tree', async () => {
    const swap =
      'mkdir -p real; end=$((SECONDS+2)); while [ $SECONDS -lt $end ]; do ln -sfn /tmp race; rm -f race; ln -sfn /home/agent race; rm -f race; mv real race; mv race real; done'
    const swapping = box.run(swap)
    for (let round = 0; round < 300; round++) {
      await files.write('race/file.txt', 'written').catch(() => null)
      await files.read('race/file.txt').catch(() => null)
    }
    await swapping
    expect(await readdir(box.scratch)).not.toContain('file.txt')
  })

  test('a hard link to a file outside cannot be made', async () => {
    expect((await box.run('ln /etc/passwd stolen || ln /run/journeyman/rg stolen')).exitCode).not.toBe(0)
    expect(await readFile(join(box.folder, 'other/secret.txt'), 'utf8')).toBe('canary-of-the-host')
  })
})
