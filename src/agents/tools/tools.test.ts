import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { codeOf, JourneymanError } from '../../domain/errors.ts'
import { developmentRole } from '../development/development-role.ts'
import { type FolderWorkspace, folderWorkspace } from '../testing/folder-workspace.ts'
import type { ToolAnswer } from './tool.ts'

let workspace: FolderWorkspace
beforeEach(async () => {
  workspace = await folderWorkspace({
    'src/sum.ts': 'export const sum = (a, b) =>\n  a - b\n',
    'dup.txt': 'same\nother\nsame\n',
    'dos.txt': 'one\r\ntwo\r\nthree\r\n',
    'long.txt': Array.from({ length: 9000 }, (_, index) => `line ${index + 1}`).join('\n'),
    'no-newline.txt': 'a\nb',
  })
})
afterEach(() => workspace.remove())

const call = async (name: string, input: unknown, change: Partial<FolderWorkspace> = {}): Promise<ToolAnswer> => {
  const tool = developmentRole.tools.find((found) => found.definition.name === name)
  if (!tool) throw new Error(`no tool ${name}`)
  const signal = new AbortController().signal
  return tool.run(input, { workspace: { ...workspace, ...change }, signal, commandTimeoutMs: 300 })
}
const editor = (input: object, change?: Partial<FolderWorkspace>) => call('str_replace_based_edit_tool', input, change)
const file = (path: string) => workspace.files.read(path)

describe('the editor: view', () => {
  it('numbers the lines as cat -n does', async () => {
    expect((await editor({ command: 'view', path: 'src/sum.ts' })).content).toBe(
      'Here is src/sum.ts with line numbers:\n     1\texport const sum = (a, b) =>\n     2\t  a - b',
    )
  })

  it.each([
    [[2, 2], '     2\tother'],
    [[2, -1], '     2\tother\n     3\tsame'],
    [[3, 99], '     3\tsame'],
  ])('shows the range %o', async (view_range, expected) => {
    const { content } = await editor({ command: 'view', path: 'dup.txt', view_range })
    expect(content.split('\n').slice(1).join('\n')).toBe(expected)
  })

  it.each([[[0, 2]], [[4, 9]], [[3, 2]]])('refuses the range %o', async (view_range) => {
    expect(await editor({ command: 'view', path: 'dup.txt', view_range })).toMatchObject({
      isError: true,
      content: expect.stringContaining('Invalid `view_range`'),
    })
  })

  it('shortens a long file in the middle and says how to see the rest', async () => {
    const { content } = await editor({ command: 'view', path: 'long.txt' })
    expect(content.length).toBeLessThan(31_000)
    expect(content).toContain('  9000\tline 9000')
    expect(content).toMatch(/\[\d+ characters, \d+ lines, are left out here\. Use view_range to see them\.\]/)
  })

  it.each(['.', '/', 'src', 'src/', './src'])('lists the folder %s', async (path) => {
    expect(await editor({ command: 'view', path })).toMatchObject({
      isError: false,
      content: expect.stringContaining('sum.ts'),
    })
  })

  it('understands a path below the root of the work tree', async () => {
    expect((await editor({ command: 'view', path: `${workspace.root}/dup.txt` })).content).toContain('other')
  })

  it.each(['absent.txt', '/etc/passwd', '../outside', 'src/../../outside'])(
    'answers that %s cannot be read',
    async (path) => {
      expect((await editor({ command: 'view', path })).isError).toBe(true)
    },
  )
})

describe('the editor: changes', () => {
  it('replaces what is there once, and shows the lines around it', async () => {
    const answer = await editor({ command: 'str_replace', path: 'src/sum.ts', old_str: 'a - b', new_str: 'a + b' })
    expect(answer).toEqual({
      isError: false,
      content:
        'The file src/sum.ts has been edited. Around the change it now reads:\n     1\texport const sum = (a, b) =>\n     2\t  a + b\n     3\t',
    })
    expect(await file('src/sum.ts')).toBe('export const sum = (a, b) =>\n  a + b\n')
  })

  it('takes what it is given literally, and a missing new_str as nothing', async () => {
    await editor({ command: 'str_replace', path: 'dup.txt', old_str: 'other', new_str: "$& $1 $' \\n" })
    expect(await file('dup.txt')).toBe("same\n$& $1 $' \\n\nsame\n")
    await editor({ command: 'str_replace', path: 'no-newline.txt', old_str: '\nb' })
    expect(await file('no-newline.txt')).toBe('a')
  })

  it.each([
    ['absent', 'did not appear verbatim in dup.txt'],
    ['same', 'Multiple occurrences of old_str `same` in lines: 1, 3. Please ensure it is unique'],
    ['', 'must not be empty'],
  ])('refuses to replace %j', async (old_str, words) => {
    expect(await editor({ command: 'str_replace', path: 'dup.txt', old_str, new_str: 'x' })).toMatchObject({
      isError: true,
      content: expect.stringContaining(words),
    })
    expect(await file('dup.txt')).toBe('same\nother\nsame\n')
  })

  it('meets the line ends of a file that has CRLF', async () => {
    await editor({ command: 'str_replace', path: 'dos.txt', old_str: 'one\ntwo', new_str: '1\n2' })
    expect(await file('dos.txt')).toBe('1\r\n2\r\nthree\r\n')
  })

  it('creates a file in folders that are not there', async () => {
    expect((await editor({ command: 'create', path: 'a/b/c.txt', file_text: 'x' })).content).toContain(
      'created successfully',
    )
    expect(await file('a/b/c.txt')).toBe('x')
  })

  it('says so when it overwrites', async () => {
    expect((await editor({ command: 'create', path: 'dup.txt', file_text: 'x' })).content).toContain(
      'with 4 lines. It has been overwritten',
    )
  })

  it.each([
    [0, 'new\nsame\nother\nsame\n'],
    [1, 'same\nnew\nother\nsame\n'],
    [3, 'same\nother\nsame\nnew\n'],
  ])('inserts after line %i', async (insert_line, expected) => {
    await editor({ command: 'insert', path: 'dup.txt', insert_line, insert_text: 'new' })
    expect(await file('dup.txt')).toBe(expected)
  })

  it('inserts at the end of a file without a last newline, and knows the older name of the text', async () => {
    await editor({ command: 'insert', path: 'no-newline.txt', insert_line: 2, new_str: 'c' })
    expect(await file('no-newline.txt')).toBe('a\nb\nc')
  })

  it.each([-1, 4])('refuses to insert after line %i of three', async (insert_line) => {
    expect((await editor({ command: 'insert', path: 'dup.txt', insert_line, insert_text: 'x' })).content).toContain(
      '[0, 3]',
    )
  })

  it('answers to a command that it does not have', async () => {
    expect((await editor({ command: 'undo_edit', path: 'dup.txt' })).isError).toBe(true)
  })

  it('lets what ends a run go up', async () => {
    const files = { ...workspace.files, read: () => Promise.reject(new JourneymanError('stale_epoch', 'lost')) }
    expect(await editor({ command: 'view', path: 'dup.txt' }, { files }).catch(codeOf)).toBe('stale_epoch')
  })
})

describe('the shell', () => {
  it.each([
    ['echo out; echo err >&2', 'out\nerr'],
    ['true', '(no output)'],
    ['echo no; exit 3', 'no\n[exit code 3]'],
    ['sleep 5', '(no output)\n[The command was ended after 0.3 s, which is the limit.]'],
  ])('answers %j', async (command, content) => {
    expect(await call('bash', { command })).toEqual({ content, isError: false })
  })

  it('starts afresh for every command, and says so when asked to restart', async () => {
    await call('bash', { command: 'cd src; export X=1' })
    expect((await call('bash', { command: 'echo "$X"; ls src' })).content).toBe('\nsum.ts')
    expect((await call('bash', { restart: true })).content).toContain('fresh shell')
    expect((await call('bash', {})).isError).toBe(true)
  })

  it('shortens long output in the middle', async () => {
    const { content } = await call('bash', { command: 'seq 1 20000' })
    expect(content.length).toBeLessThan(31_000)
    expect(content).toMatch(/^1\n2\n[\s\S]*left out here[\s\S]*\n20000$/)
  })
})

describe('looking around', () => {
  it('searches', async () => {
    expect((await call('search', { pattern: 'a - b' })).content).toBe('src/sum.ts:2:   a - b')
    expect((await call('search', { pattern: 'nowhere at all' })).content).toBe('Nothing was found.')
    expect((await call('search', { pattern: 'line' })).content).toContain('[Only the first 100 are shown.')
  })

  it('lists', async () => {
    const { content } = await call('list', {})
    expect(content).toContain('src/\n')
    expect(content).toMatch(/src\/sum\.ts \(\d+\)/)
    expect((await call('list', { path: 'absent' }).catch(() => ({ isError: true }))).isError).toBe(true)
  })

  it('reads the history', async () => {
    expect((await call('history', { command: 'log' })).content).toContain('abc1234')
    expect((await call('history', { command: 'show', commit: 'abc1234' })).content).toBe('commit abc1234')
    expect((await call('history', { command: 'blame', path: 'dup.txt', from: 2 })).content).toBe('dup.txt 2-201')
    expect((await call('history', { command: 'diff' })).content).toBe('(nothing)')
    expect((await call('history', { command: 'show' })).content).toContain('needs a commit')
    expect((await call('history', { command: 'blame' })).content).toContain('needs a path')
  })
})

describe('what is sent with every request', () => {
  it('is small', () => {
    const definitions = JSON.stringify(developmentRole.tools.map((tool) => tool.definition))
    expect(definitions.length).toBeLessThan(4000)
  })
})
