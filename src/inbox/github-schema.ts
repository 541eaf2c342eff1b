import { z } from 'zod'
import { storableText } from '../domain/storable-text.ts'

/** Of GitHub's payloads only what is read. Everything else in them may be what it likes. */
const id = z.int().positive()
const text = z.string().transform(storableText)
const app = z.object({ id }).nullish()

const envelope = {
  action: text,
  sender: z.object({ login: text, id, type: text }),
  repository: z.object({
    full_name: z
      .string()
      .max(200)
      .regex(/^[\w-]+\/(?!\.\.?$)[\w.-]+$/),
    html_url: text,
  }),
  installation: z.object({ id }).nullish(),
}
export const common = z.object(envelope)
export type Common = z.infer<typeof common>

const issue = z.object({
  number: id,
  html_url: text,
  updated_at: text,
  /** There is one when the issue is a pull request. */
  pull_request: z.unknown().optional(),
})
export type Issue = z.infer<typeof issue>

const pull = z.object({
  number: id,
  html_url: text,
  updated_at: text,
  merged: z.boolean().nullish(),
  head: z.object({ sha: text, ref: text }),
  base: z.object({ ref: text }),
})
export type Pull = z.infer<typeof pull>

const label = z.object({ name: text })
const comment = z.object({ id, body: text.nullable(), created_at: text.nullish(), performed_via_github_app: app })

export const payloads = {
  issueLabeled: z.object({ ...envelope, issue, label }),
  issueOpened: z.object({ ...envelope, issue }),
  issueAssigned: z.object({ ...envelope, issue, assignee: z.object({ login: text, id }) }),
  issueCommented: z.object({ ...envelope, issue, comment }),
  pullLabeled: z.object({ ...envelope, pull_request: pull, label }),
  pullClosed: z.object({ ...envelope, pull_request: pull }),
  pullReviewed: z.object({
    ...envelope,
    // A review's pull request comes without `merged`.
    pull_request: pull,
    review: z.object({
      id,
      body: text.nullable(),
      state: text,
      commit_id: text.nullable(),
      submitted_at: text.nullish(),
    }),
  }),
  reviewCommented: z.object({ ...envelope, pull_request: pull, comment }),
  checksCompleted: z.object({
    ...envelope,
    check_suite: z.object({
      head_sha: text,
      head_branch: text.nullable(),
      conclusion: text.nullable(),
      app: z.object({ id }).nullish(),
      pull_requests: z.array(z.object({ number: id })).max(100),
    }),
  }),
} as const
