import { z } from 'zod'

/** Of GitHub's answers only what is read. */
const person = z.object({ login: z.string(), id: z.int() }).nullable()
const named = z.object({ name: z.string().nullish() })

export const issue = z.object({
  number: z.int(),
  title: z.string(),
  body: z.string().nullish(),
  state: z.string(),
  state_reason: z.string().nullish(),
  labels: z.array(z.union([z.string(), named])),
  assignee: person,
  user: person,
  milestone: z.object({ title: z.string() }).nullish(),
  type: named.nullish(),
  html_url: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
  /** There is one when it is a pull request. */
  pull_request: z.unknown().optional(),
})
export type Issue = z.infer<typeof issue>

export const comment = z.object({
  id: z.int(),
  html_url: z.string(),
  body: z.string().nullish(),
  user: person,
  created_at: z.string(),
})
export type IssueComment = z.infer<typeof comment>

export const labels = z.array(named)
