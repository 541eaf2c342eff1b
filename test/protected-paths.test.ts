import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../src/config/load-config.ts'
import { pathPattern } from '../src/workspace/path-patterns.ts'

/** The shipped list and the gate that reads it are in two rooms; this is where they meet. */
const folder = join(tmpdir(), 'journeyman-nothing-here')
const patterns = loadConfig({ folder, environment: {} }).config.proposal.protected_paths.map(pathPattern)
const isProtected = (path: string): boolean => patterns.some((pattern) => pattern.matches(path))

describe('the shipped protected paths', () => {
  it.each([
    '.github/workflows/ci.yml',
    '.GitHub/workflows/ci.yml',
    '.github/CODEOWNERS',
    'docs/CODEOWNERS',
    'package-lock.json',
    'packages/a/yarn.lock',
    'services/api/Cargo.lock',
    'go.sum',
    '.npmrc',
    'packages/a/.npmrc',
    '.husky/pre-commit',
    'tools/hooks/pre-push',
    '.gitattributes',
    '.gitmodules',
    'Dockerfile',
    'services/api/Dockerfile.prod',
    'deploy/docker-compose.override.yml',
    'compose.yaml',
    'AGENTS.md',
    'packages/a/CLAUDE.md',
    '.claude/settings.json',
    '.vscode/tasks.json',
    '.journeyman.yml',
    'journeyman.yaml',
    'journeyman.production.yaml',
  ])('hold %s', (path) => expect(isProtected(path)).toBe(true))

  it.each([
    'src/index.js',
    'package.json',
    'README.md',
    'src/hooks/use-thing.ts',
    'src/composer.ts',
    'docs/docker.md',
    'src/github/client.ts',
    'test/agents.test.ts',
  ])('leave %s free', (path) => expect(isProtected(path)).toBe(false))
})
