import { chmod, link, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf } from '../../domain/errors.ts'
import type { SandboxedFiles } from './file-server.ts'
import { bubblewrapMissing, openTestSandbox, type TestSandbox } from './sandbox.fixture.ts'

const kinds = (await bubblewrapMissing()) === null ? (['bubblewrap', 'none'] as const) : (['none'] as const)

describe.each(kinds)('the file tools in a sandbox of kind %s', (kind) => {
  let box: TestSandbox
  let files: SandboxedFiles
  beforeAll(async () => {
    box = await openTestSandbox(kind)
    await mkdir(join(box.root, 'src'))
    await writeFile(join(box.root, 'src/main.js'), 'const greeting = "héllo"\nconsole.log(greeting)\n')
    await box.sandbox.ownWorktree(box.root)
    files = box.sandbox.files(box.root, box.scratch)
  })
  afterAll(async () => {
    await files.close()
    await box.close()
  })
  const onHost = (path: string): string => join(box.root, path)

  test('read text', async () => {
    expect(await files.read('src/main.js')).toBe('const greeting = "héllo"\nconsole.log(greeting)\n')
  })

  test('write new files with their folders, and over files, whose mode stays', async () => {
    await files.write('new/deep/file.txt', 'one\n')
    await chmod(onHost('new/deep/file.txt'), 0o755)
    await files.write('new/deep/file.txt', '2\n')
    expect(await readFile(onHost('new/deep/file.txt'), 'utf8')).toBe('2\n')
    expect((await stat(onHost('new/deep/file.txt'))).mode & 0o777).toBe(0o755)
  })

  test('what they write, a command reads', async () => {
    await files.write('seen.txt', 'by the command\n')
    expect((await box.run('cat seen.txt')).output).toBe('by the command\n')
  })

  test('list level by level, up to the limit, and do not walk into node_modules', async () => {
    await mkdir(onHost('listed/node_modules/package'), { recursive: true })
    await mkdir(onHost('listed/b'))
    await writeFile(onHost('listed/b/deep.txt'), '12345')
    await symlink('b', onHost('listed/link'))
    await writeFile(onHost('listed/a.txt'), '123')
    expect(await files.list('listed', 3, 100)).toEqual([
      { path: 'listed/a.txt', kind: 'file', bytes: 3 },
      { path: 'listed/b', kind: 'directory', bytes: 0 },
      { path: 'listed/link', kind: 'symlink', bytes: 0 },
      { path: 'listed/node_modules', kind: 'directory', bytes: 0 },
      { path: 'listed/b/deep.txt', kind: 'file', bytes: 5 },
    ])
    expect(await files.list('listed', 3, 2)).toHaveLength(2)
    expect(await files.list('listed/node_modules', 1, 9)).toHaveLength(1)
  })

  test('search with a pattern, a folder, a glob and a limit', async () => {
    await mkdir(onHost('found'))
    await writeFile(onHost('found/a.ts'), 'alpha\nBETA 1\nbeta 2\n')
    await writeFile(onHost('found/b.md'), 'beta 3\n')
    const search = (more: object) => files.search({ pattern: 'beta \\d', path: 'found', limit: 10, ...more })
    expect(await search({ glob: '*.ts' })).toEqual([{ path: 'found/a.ts', line: 3, text: 'beta 2' }])
    expect(await search({ ignoreCase: true })).toHaveLength(3)
    expect(await search({ ignoreCase: true, limit: 1 })).toHaveLength(1)
    expect(await search({ pattern: 'nowhere to be found' })).toEqual([])
    expect(await search({ pattern: '(' }).catch(codeOf)).toBe('invalid_input')
    expect(await search({ pattern: '--version' })).toEqual([])
    expect(await search({ path: 'absent' }).catch(codeOf)).toBe('not_found')
  })

  test.each([
    ['an absolute path', '/etc/passwd', 'invalid_input'],
    ['a path upwards', '../home/x', 'invalid_input'],
    ['a path upwards from below', 'src/../../x', 'invalid_input'],
    ['a zero byte', 'src\0/x', 'invalid_input'],
    ['a folder', 'src', 'invalid_input'],
    ['the work tree itself', '', 'invalid_input'],
    ['a file used as a folder', 'src/main.js/x', 'invalid_input'],
    ['a name that is too long', 'x'.repeat(300), 'invalid_input'],
  ])('neither read nor write %s', async (_name, path, code) => {
    expect(await files.read(path).catch(codeOf)).toBe(code)
    expect(await files.write(path, 'x').catch(codeOf)).toBe(code)
  })

  test('say so when a file is not there', async () => {
    const error = await files.read('absent.txt').catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'not_found', message: 'absent.txt does not exist.' })
  })

  test('refuse what is binary or too large', async () => {
    await writeFile(onHost('zero.bin'), Buffer.from([65, 0, 66]))
    await writeFile(onHost('latin.txt'), Buffer.from([0xe9, 0x74, 0xe9]))
    await writeFile(onHost('large.txt'), 'x'.repeat(3_000_000))
    expect(await files.read('zero.bin').catch(codeOf)).toBe('invalid_input')
    expect(await files.read('latin.txt').catch(codeOf)).toBe('invalid_input')
    expect(await files.read('large.txt').catch(codeOf)).toBe('too_large')
    expect(await files.write('written.txt', 'x'.repeat(3_000_000)).catch(codeOf)).toBe('too_large')
  })

  test('do not wait for a pipe that nobody writes to', async () => {
    await box.run('mkfifo pipe')
    expect(await files.read('pipe').catch(codeOf)).toBe('invalid_input')
    expect(await files.write('pipe', 'x').catch(codeOf)).toBe('invalid_input')
  })

  test('follow links within the work tree, and refuse those that lead outside', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'journeyman-outside-'))
    await writeFile(join(outside, 'secret.txt'), 'canary')
    await symlink('main.js', onHost('src/inner'))
    await symlink(outside, onHost('folder-out'))
    await symlink(join(outside, 'secret.txt'), onHost('file-out'))
    await symlink(join(outside, 'made.txt'), onHost('dangling-out'))
    expect(await files.read('src/inner')).toContain('greeting')
    for (const path of ['folder-out/secret.txt', 'file-out', 'dangling-out', 'folder-out/new.txt']) {
      expect(['invalid_input', 'not_found']).toContain(await files.read(path).catch(codeOf))
      expect(['invalid_input', 'not_found']).toContain(await files.write(path, 'overwritten').catch(codeOf))
    }
    expect(['invalid_input', 'not_found']).toContain(await files.list('folder-out', 1, 10).catch(codeOf))
    expect(['invalid_input', 'not_found']).toContain(
      await files.search({ pattern: 'canary', path: 'folder-out', limit: 5 }).catch(codeOf),
    )
    expect(await readFile(join(outside, 'secret.txt'), 'utf8')).toBe('canary')
    expect(await stat(join(outside, 'made.txt')).catch(() => 'absent')).toBe('absent')
    await rm(outside, { recursive: true, force: true })
  })

  test('write through one name of a file with two, as an editor does', async () => {
    await files.write('first', '1')
    await link(onHost('first'), onHost('second'))
    await files.write('second', '2')
    expect(await files.read('first')).toBe('2')
  })

  test('many at once are answered each with its own', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, index) => files.write(`many/${index}`, `${index}`)))
    const read = await Promise.all(Array.from({ length: 200 }, (_, index) => files.read(`many/${index}`)))
    expect(read).toEqual(Array.from({ length: 200 }, (_, index) => `${index}`))
  })

  test('come back after their process was ended', async () => {
    await files.read('src/main.js')
    await box.sandbox.killAll(box.root)
    expect(await files.read('src/main.js')).toContain('greeting')
  })

  test('are closed after close', async () => {
    const closing = box.sandbox.files(box.root, box.scratch)
    await closing.read('src/main.js')
    await closing.close()
    expect(await closing.read('src/main.js').catch(codeOf)).toBe('shutting_down')
  })
})
