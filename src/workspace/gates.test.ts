import { describe, expect, test } from 'vitest'
import type { ProposedFile } from './contract.ts'
import { type GateRules, judgeProposal } from './gates.ts'

const rules: GateRules = {
  maxFiles: 3,
  maxFileBytes: 1_000,
  maxTotalBytes: 2_000,
  allowBinaries: false,
  protectedPaths: ['.github/', 'CODEOWNERS', 'package-lock.json', 'Dockerfile*', '/deploy/*.sh', '.journeyman.yml'],
  knownSecrets: [{ name: 'anthropic.api_key', value: 'a-very-secret-value-1' }],
}

const file = (path: string, more: Partial<ProposedFile> = {}): ProposedFile => ({
  path,
  status: 'modified',
  additions: 1,
  deletions: 0,
  mode: '100644',
  oldMode: '100644',
  bytes: 10,
  binary: false,
  addedText: 'fine\n',
  ...more,
})

const judge = (path: string, more: Partial<ProposedFile> = {}) =>
  judgeProposal([file(path, more)], rules).map(({ rule, severity }) => (severity === 'flag' ? `${rule}?` : rule))

test('an ordinary change passes', () => {
  expect(judgeProposal([file('src/a.ts'), file('docs/ü.md', { status: 'added', oldMode: null })], rules)).toEqual([])
})

describe('protected paths, however they are written', () => {
  test.each([
    '.github/workflows/ci.yml',
    '.GitHub/workflows/ci.yml',
    '.github./x',
    '.g\u200bithub/x',
    'CODEOWNERS',
    'docs/codeowners',
    'web/package-lock.json',
    'Dockerfile.prod',
    'deploy/up.sh',
    '.journeyman.yml',
  ])('%j', (path) => {
    expect(judge(path)).toContain('protected_path')
    expect(judge(path, { status: 'deleted', mode: null })).toContain('protected_path')
  })
  test.each(['github/x', 'src/deploy/up.sh', 'deploy/a/up.sh', 'xCODEOWNERS', 'package-lock.json.md'])(
    '%j is not',
    (path) => {
      expect(judge(path)).toEqual([])
    },
  )
})

describe('files that hold secrets', () => {
  test.each([
    '.env',
    'web/.env.local',
    'prod.env',
    'certs/server.pem',
    'ID_RSA',
    'home/.ssh/config',
    '.aws/credentials',
    'a/.netrc',
  ])('%j never leaves', (path) => {
    expect(judge(path)).toEqual(['forbidden_path'])
  })
  test.each(['.env.example', 'web/.env.sample', 'src/env.ts', 'src/keyboard.key.ts'])('%j may', (path) => {
    expect(judge(path)).toEqual([])
  })
  test('to delete one is a good thing', () => {
    expect(judge('.env', { status: 'deleted', mode: null })).toEqual([])
  })
})

describe('names', () => {
  test.each([
    'a/.git/config',
    '.GIT/hooks/x',
    'git~1/config',
    '.git /config',
    '../x',
    'a/../../x',
    '--upload-pack=x',
    'a/-rf',
    'a\nb',
    'a\u202eb',
    'a\u200bb',
    'a\\b',
    'trailing.',
    'x'.repeat(500),
  ])('%j is refused', (path) => {
    expect(judge(path)).toContain('path_name')
  })
})

describe('kinds and sizes', () => {
  test('binaries, submodules, links and executables', () => {
    expect(judge('logo.png', { binary: true })).toEqual(['binary'])
    expect(judgeProposal([file('logo.png', { binary: true })], { ...rules, allowBinaries: true })).toEqual([])
    expect(judge('sub', { mode: '160000' })).toEqual(['submodule'])
    expect(judge('a/link', { mode: '120000', addedText: '../b' })).toEqual(['symlink?'])
    expect(judge('run', { mode: '100755', oldMode: null })).toEqual(['executable?'])
    expect(judge('run', { mode: '100755', oldMode: '100755' })).toEqual([])
  })
  test.each(['/etc/passwd', '../../x', '../..', 'b/../../../x', ''])('a link to %j leads out', (target) => {
    expect(judge('a/link', { mode: '120000', addedText: target })).toEqual(['symlink'])
  })
  test('a link into .git is refused', () => {
    expect(judge('a/link', { mode: '120000', addedText: '../.git/config' })).toEqual(['symlink'])
  })
  test('too many, too large, too much', () => {
    const many = Array.from({ length: 4 }, (_, index) => file(`src/${index}.ts`, { bytes: 900 }))
    expect(judgeProposal(many, rules).map(({ rule, path }) => [rule, path])).toEqual([
      ['too_many_files', ''],
      ['too_large', ''],
    ])
    expect(judge('big.txt', { bytes: 1_001 })).toEqual(['too_large'])
  })
})

test('a secret in a line, in a name, or known and encoded is refused without being shown', () => {
  const token = ['ghp', 'q7Zp2LxVb9Rk4TnWc8Ys3HdMf6Jg5QaE1uXi'].join('_')
  const encoded = Buffer.from('a-very-secret-value-1').toString('base64')
  const findings = judgeProposal(
    [
      file('a.ts', { addedText: `x\nconst t = '${token}'\n` }),
      file(`${token}.txt`),
      file('b.ts', { addedText: encoded }),
    ],
    rules,
  )
  expect(findings.map(({ rule }) => rule)).toEqual(['secret', 'secret', 'secret'])
  expect(findings[0]?.message).toBe('a.ts holds a GitHub token, in line 2 of what is added.')
  expect(findings[2]?.message).toContain('anthropic.api_key')
  expect(findings[2]?.message).not.toContain(encoded)
})

test('hashes in a lock file are not taken for secrets', () => {
  const addedText = '"token": "q7Zp2LxVb9Rk4TnWc8Ys3HdMf6Jg5QaE1uXi"\n'
  expect(judge('src/config.json', { addedText })).toEqual(['secret'])
  expect(judge('yarn.lock', { addedText })).toEqual([])
})
