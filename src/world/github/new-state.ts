import { generateKeyPair, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { RecordedRequest, Violation, WorldUser } from '../contract.ts'
import { githubWebhookValidator, type WebhookValidator } from '../validate/github-validator.ts'
import type { Validator } from '../validate/validator.ts'
import { createGitHost } from './git-host.ts'
import type { GitHubState } from './state.ts'

type Parts = { folder: string; validator: Validator | null; requests: RecordedRequest[]; violations: Violation[] }

/** A GitHub with an app and nobody on it. The key and the secret are made anew for each world. */
export const newState = async ({ folder, validator, requests, violations }: Parts): Promise<GitHubState> => {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const nextId = counter(1000)
  const bot: WorldUser = { login: 'journeyman-world[bot]', id: nextId(), type: 'Bot' }
  return {
    folder,
    gitHost: createGitHost(),
    url: '',
    apiUrl: '',
    app: {
      id: String(nextId()),
      slug: 'journeyman-world',
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      publicKey,
      webhookSecret: randomBytes(24).toString('hex'),
      bot,
      permissions: { ...appPermissions },
      events: [...appEvents],
      createdAt: new Date(),
    },
    users: new Map([[bot.login.toLowerCase(), bot]]),
    teams: new Map(),
    repositories: new Map(),
    installations: new Map(),
    tokens: new Map(),
    deliveries: [],
    faults: [],
    tokenSeconds: 3600,
    webhookUrl: null,
    requests,
    violations,
    validator,
    webhookValidator: once(() => (validator === null ? Promise.resolve(null) : githubWebhookValidator())),
    nextId,
  }
}

const appPermissions = {
  actions: 'read',
  checks: 'write',
  contents: 'write',
  issues: 'write',
  metadata: 'read',
  pull_requests: 'write',
  statuses: 'read',
}

const appEvents = ['check_suite', 'issue_comment', 'issues', 'pull_request', 'pull_request_review']

const once = (load: () => Promise<WebhookValidator | null>): (() => Promise<WebhookValidator | null>) => {
  let loaded: Promise<WebhookValidator | null> | null = null
  return () => {
    loaded ??= load()
    return loaded
  }
}

const counter = (start: number): (() => number) => {
  let last = start
  return () => {
    last += 1
    return last
  }
}
