import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startClaude } from './claude/start-claude.ts'
import type { RecordedRequest, StartWorld, Violation } from './contract.ts'
import { startGitHub } from './github/start-github.ts'
import { githubValidator } from './validate/github-validator.ts'

/** Starts the stand-ins on free ports of the loopback, with their repositories below `folder`. Ends with `close`. */
export const startWorld: StartWorld = async ({ folder, validate = true }) => {
  const requests: RecordedRequest[] = []
  const violations: Violation[] = []
  const repositories = join(folder, 'repositories')
  const [validator] = await Promise.all([validate ? githubValidator() : null, mkdir(repositories, { recursive: true })])
  const github = await startGitHub({ folder: repositories, validator, requests, violations })
  const claude = await startClaude({ requests, violations })
  return {
    github,
    claude,
    requests,
    violations,
    validation: `github: ${validator?.description ?? (validate ? 'off, @octokit/openapi is not installed' : 'off')}`,
    close: async () => {
      await Promise.all([github.close(), claude.close()])
    },
  }
}
