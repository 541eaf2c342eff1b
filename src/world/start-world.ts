import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startClaude } from './claude/start-claude.ts'
import type { RecordedRequest, StartWorld, Violation } from './contract.ts'
import { startGitHub } from './github/start-github.ts'
import { claudeValidator } from './validate/claude-validator.ts'
import { githubValidator } from './validate/github-validator.ts'
import type { Validator } from './validate/validator.ts'

/** Starts the stand-ins on free ports of the loopback, with their repositories below `folder`. Ends with `close`. */
export const startWorld: StartWorld = async ({ folder, validate = true }) => {
  const requests: RecordedRequest[] = []
  const violations: Violation[] = []
  const repositories = join(folder, 'repositories')
  await mkdir(repositories, { recursive: true })
  const [forGitHub, forClaude] = validate ? await Promise.all([githubValidator(), claudeValidator()]) : [null, null]
  const github = await startGitHub({ folder: repositories, validator: forGitHub, requests, violations })
  const claude = await startClaude({
    requests,
    violations,
    ...(forClaude && { validateRequest: forClaude.request, validateResponse: forClaude.response }),
  })
  return {
    github,
    claude,
    requests,
    violations,
    validation: validate ? describe(forGitHub, forClaude) : 'off, as it was asked',
    close: async () => {
      await Promise.all([github.close(), claude.close()])
    },
  }
}

const describe = (github: Validator | null, claude: Validator | null): string =>
  [
    `github: ${github?.description ?? 'off, the development dependency @octokit/openapi is not installed'}`,
    `claude: own rules${claude === null ? '' : ` and ${claude.description}`}`,
  ].join('; ')
