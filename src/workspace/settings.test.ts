import { describe, expect, test } from 'vitest'
import type { BaseFiles } from './base-files.ts'
import { parseSettings, repositorySettings } from './settings.ts'

const base = (files: Record<string, string>): BaseFiles => ({
  commit: '0'.repeat(40),
  has: (path) => path in files,
  read: (path) => files[path] ?? null,
})

const mistakeOf = (text: string): string => {
  try {
    parseSettings(text)
    return ''
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid_configuration' })
    return (error as Error).message
  }
}

describe('.journeyman.yml', () => {
  test('all keys', () => {
    const text = [
      'setup: [npm ci]',
      'checks:',
      '  - npm test',
      '  - { name: lint, command: npm run lint, timeout_seconds: 60 }',
      'allowed_domains: [Registry.NPMJS.org, "*.example.com"]',
      'protected_paths: [db/migrations/]',
      'workflow: hotfix',
      'instructions: Be kind.',
    ].join('\n')
    expect(repositorySettings(base({ '.journeyman.yml': text, 'AGENTS.md': 'not these' }))).toEqual({
      setup: ['npm ci'],
      checks: [
        { name: 'npm test', command: 'npm test', timeout_seconds: 600 },
        { name: 'lint', command: 'npm run lint', timeout_seconds: 60 },
      ],
      checksFrom: 'settings',
      allowed_domains: ['registry.npmjs.org', '*.example.com'],
      protected_paths: ['db/migrations/'],
      workflow: 'hotfix',
      instructions: 'Be kind.',
    })
  })

  test('every mistake is named in one sentence, with its line', () => {
    const message = mistakeOf('setup: npm ci\nchekcs:\n  - x\nallowed_domains:\n  - example.com\n  - http://x/\n')
    expect(message).toContain('line 1: "setup"')
    expect(message).toMatch(/line [23]: "chekcs" is not a key/)
    expect(message).toContain('line 6: "allowed_domains.1": is not the name of a domain')
  })

  test('broken YAML says where', () => {
    expect(mistakeOf('setup:\n  - "a\n')).toMatch(/^\.journeyman\.yml, line \d/)
  })

  test('an alias bomb is refused', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]']
    for (const [index, name] of [...'bcdefghi'].entries()) {
      bomb.push(`${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[index]}`).join(',')}]`)
    }
    expect(mistakeOf(bomb.join('\n'))).not.toBe('')
  })

  test('names of the prototype are keys like any other', () => {
    expect(mistakeOf('__proto__:\n  checks: [x]\n')).toContain('__proto__')
    expect(({} as Record<string, unknown>)['checks']).toBeUndefined()
  })

  test('an empty file is the same as none', () => {
    expect(parseSettings('# nothing\n')).toEqual(parseSettings(null))
  })
})

describe('what a repository that says nothing is taken for', () => {
  const checksOf = (files: Record<string, string>) =>
    repositorySettings(base(files)).checks.map(({ command }) => command)

  test('scripts of package.json that exist, by its package manager', () => {
    const scripts = (all: Record<string, string>) => JSON.stringify({ scripts: all })
    expect(checksOf({ 'package.json': scripts({ test: 'vitest', lint: 'biome', build: 'x' }) })).toEqual([
      'npm run test',
      'npm run lint',
    ])
    expect(checksOf({ 'package.json': scripts({ test: 'vitest' }), 'pnpm-lock.yaml': '' })).toEqual(['pnpm run test'])
    expect(checksOf({ 'package.json': scripts({ test: 'echo "Error: no test specified" && exit 1' }) })).toEqual([])
    expect(checksOf({ 'package.json': '{ broken' })).toEqual([])
  })

  test('other languages, and a Makefile when nothing else speaks', () => {
    expect(checksOf({ 'Cargo.toml': '' })).toEqual(['cargo test'])
    expect(checksOf({ 'go.mod': '' })).toEqual(['go test ./...'])
    expect(checksOf({ 'pyproject.toml': '[tool.pytest.ini_options]' })).toEqual(['python3 -m pytest -q'])
    expect(checksOf({ Makefile: 'build:\n\ntest: build\n\tx\n' })).toEqual(['make test'])
    expect(checksOf({ Makefile: 'test:\n', 'go.mod': '' })).toEqual(['go test ./...'])
  })

  test('none, said so', () => {
    expect(repositorySettings(base({ 'README.md': '' }))).toMatchObject({ checks: [], checksFrom: 'none', setup: [] })
  })

  test('packages are installed unasked only with a lock file and a way to the registry', () => {
    const lock = { 'package-lock.json': '{}' }
    expect(repositorySettings(base(lock)).setup).toEqual([])
    const allowed = { ...lock, '.journeyman.yml': 'allowed_domains: [registry.npmjs.org]' }
    expect(repositorySettings(base(allowed)).setup).toEqual(['npm ci'])
  })

  test('instructions of the repository, once where one is a copy, and bounded', () => {
    const instructionsOf = (files: Record<string, string>) => repositorySettings(base(files)).instructions
    expect(instructionsOf({ 'AGENTS.md': 'one\n', 'CLAUDE.md': 'one\n' })).toBe('one')
    expect(instructionsOf({ 'AGENTS.md': 'one', 'CLAUDE.md': 'two' })).toBe('one\n\ntwo')
    expect(instructionsOf({ 'AGENTS.md': 'ä'.repeat(30_000) })?.length).toBeLessThan(16_500)
    expect(instructionsOf({})).toBeNull()
  })
})
