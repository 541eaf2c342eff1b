import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { renderComment, renderIssue, renderLabels } from './render/issue.ts'
import { renderPull } from './render/pull.ts'
import { renderRepository } from './render/repository.ts'
import { nodeId } from './render/text.ts'
import { renderUser } from './render/user.ts'
import { type GitHubState, installationOf, type RepositoryState, repositoryOf } from './state.ts'

export type Payload = Record<string, unknown>
type Completed = { payload: Payload; repositoryId: number | null; installationId: number | null }

/**
 * A webhook as GitHub would send it, out of the part that a test cares for: what names something of this world
 * (`repository.full_name`, `sender.login`, `issue.number`, `pull_request.number`, `comment.id`) is filled in as it stands,
 * what is still missing comes from the vendor's own example of that event, and what was given wins over both.
 */
export const completePayload = async (state: GitHubState, event: string, given: Payload): Promise<Completed> => {
  const repository = repositoryOf(state, text(given['repository'], 'full_name'))
  const installation = repository && installationOf(state, repository)
  const known: Payload = {
    ...(repository && knownParts(state, repository, given)),
    ...(installation && { installation: { id: installation.id, node_id: nodeId('I', installation.id) } }),
  }
  const sender = state.users.get(text(given['sender'], 'login').toLowerCase()) ?? repository?.owner
  if (sender !== undefined) known['sender'] = renderUser(state, sender)
  const payload = merge(merge(await exampleOf(event, given['action']), known), given) as Payload
  return { payload, repositoryId: repository?.id ?? null, installationId: installation?.id ?? null }
}

const knownParts = (state: GitHubState, repository: RepositoryState, given: Payload): Payload => {
  const issue = repository.issues.get(Number(field(given['issue'], 'number')))
  const pull = repository.pulls.get(Number(field(given['pull_request'], 'number')))
  const comment = repository.comments.get(Number(field(given['comment'], 'id')))
  const nothing = { commits: 1, additions: 0, deletions: 0, changedFiles: 0 }
  return {
    repository: renderRepository(state, repository),
    ...(issue && { issue: renderIssue(state, repository, issue) }),
    ...(pull && { pull_request: renderPull(state, repository, pull, nothing) }),
    ...(comment && { comment: renderComment(state, repository, comment) }),
    ...(given['label'] !== undefined && { label: renderLabels(state, repository, [text(given['label'], 'name')])[0] }),
  }
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Payload)[name] : undefined

const text = (value: unknown, name: string): string => String(field(value, name) ?? '')

/** Objects are merged, everything else is replaced. */
const merge = (under: unknown, over: unknown): unknown => {
  if (!isObject(under) || !isObject(over)) return over
  const merged: Payload = { ...under }
  for (const [key, value] of Object.entries(over)) merged[key] = key in under ? merge(under[key], value) : value
  return merged
}

const isObject = (value: unknown): value is Payload =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

type Examples = { name: string; examples: Payload[] }[]

/** Empty where the development dependency is not installed, or has no such event. */
const exampleOf = async (event: string, action: unknown): Promise<Payload> => {
  const examples = await readExamples()
  const found = examples
    .find((each) => each.name === event)
    ?.examples.find((example) => action === undefined || example['action'] === action)
  if (found === undefined) return {}
  const { organization: _organization, enterprise: _enterprise, installation: _installation, ...rest } = found
  return rest
}

const readExamples = async (): Promise<Examples> => {
  const require = createRequire(import.meta.url)
  try {
    const path = require.resolve('@octokit/webhooks-examples/api.github.com/index.json')
    return JSON.parse(await readFile(path, 'utf8')) as Examples
  } catch {
    return []
  }
}
