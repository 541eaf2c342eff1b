import { z } from 'zod'
import { type ActionSpec, defineAction, optional, someText, text, texts } from './action-spec.ts'

const everywhere = { repository: someText }
const otherSpellings = { repository_url: 'repository' }
const branchToo = { ...otherSpellings, branch_name: 'branch' }

const define = (action: string, spec: Parameters<typeof defineAction>[2]): ActionSpec =>
  defineAction('version_control', action, {
    ...spec,
    inputs: { ...everywhere, ...spec.inputs },
    aliases: { ...otherSpellings, ...spec.aliases },
  })

const number = z.int().positive()

export const versionControlSpecs: Record<string, ActionSpec> = {
  clone_repository: define('clone_repository', {
    description: 'Makes the work tree of the run ready, set-up included.',
    inputs: { ref: optional(text), local_path: optional(text) },
    outputs: ['workspace'],
  }),
  create_branch: define('create_branch', {
    description: 'Takes a branch name for the run; a name that is taken is refused.',
    inputs: { branch: someText, base_branch: optional(text) },
    aliases: branchToo,
    outputs: ['branch', 'branch_url'],
    inverse: { action: 'delete_branch', inputs: { branch: '${result.branch}' } },
  }),
  delete_branch: define('delete_branch', {
    description: 'Deletes a branch.',
    inputs: { branch: someText },
    aliases: branchToo,
  }),
  commit_changes: define('commit_changes', {
    description: 'Commits what is pending in the work tree.',
    inputs: { message: optional(text), files: optional(texts) },
    outputs: ['commit_hash'],
  }),
  push_branch: define('push_branch', {
    description: 'Pushes a branch.',
    inputs: { branch: someText },
    aliases: branchToo,
    outputs: ['branch_url', 'commit_hash'],
  }),
  create_pull_request: define('create_pull_request', {
    description: 'Judges, commits and pushes what is pending in the work tree, and opens the pull request.',
    inputs: {
      source_branch: someText,
      target_branch: someText,
      title: someText,
      description: text,
      draft: optional(z.boolean()),
      labels: optional(texts),
      reviewers: optional(texts),
    },
    outputs: ['pr_url', 'number', 'change'],
    inverse: { action: 'close_pull_request', inputs: { number: '${result.number}' } },
  }),
  close_pull_request: define('close_pull_request', {
    description: 'Closes a pull request without merging it.',
    inputs: { number },
    outputs: ['change'],
  }),
  create_repository: defineAction('version_control', 'create_repository', {
    description: 'Creates a repository.',
    inputs: { name: someText, description: optional(text), private: optional(z.boolean()), template: optional(text) },
    outputs: ['repository_url'],
  }),
  get_repository_info: define('get_repository_info', {
    description: 'Reads what the host knows of a repository.',
    outputs: ['repository_info'],
  }),
  get_pull_request: define('get_pull_request', {
    description: 'Reads a pull request.',
    inputs: { number },
    outputs: ['change'],
  }),
  review_pull_request: define('review_pull_request', {
    description: 'Submits a review with inline comments.',
    inputs: {
      number,
      verdict: z.enum(['approve', 'comment', 'request_changes']),
      summary: text,
      findings: optional(z.array(z.record(z.string(), z.unknown()))),
    },
    outputs: ['review_id'],
  }),
  reply_to_review: define('reply_to_review', {
    description: 'Answers in the thread of a review comment.',
    inputs: { number, thread_id: someText, message: someText },
    outputs: ['comment_id'],
  }),
  get_checks: define('get_checks', {
    description: 'Reads the checks of a commit or branch.',
    inputs: { ref: someText },
    outputs: ['checks'],
  }),
  get_job_log: define('get_job_log', {
    description: 'Reads the log of a CI job.',
    inputs: { job_id: z.union([z.string().min(1), z.int()]).transform(String) },
    outputs: ['log'],
  }),
}
