import { z } from 'zod'

/** Of GitHub's answers only what is read. */
const branch = z.object({ ref: z.string(), sha: z.string() })

export const pull = z.object({
  number: z.int(),
  html_url: z.string(),
  title: z.string(),
  body: z.string().nullable(),
  state: z.enum(['open', 'closed']),
  draft: z.boolean().optional(),
  merged_at: z.string().nullable(),
  head: branch,
  base: branch,
})
export type Pull = z.infer<typeof pull>

export const repository = z.object({
  full_name: z.string(),
  html_url: z.string(),
  clone_url: z.string(),
  default_branch: z.string(),
  private: z.boolean(),
  archived: z.boolean(),
})

export const permission = z.object({
  permission: z.string(),
  role_name: z.string().optional(),
  user: z.object({ id: z.int() }).nullable(),
})

export const gitRef = z.object({ object: z.object({ sha: z.string() }) })

export const checkRuns = z.object({
  check_runs: z.array(z.object({ id: z.int(), external_id: z.string().nullable() })),
})
export const created = z.object({ id: z.int() })

export const app = z.object({
  slug: z.string(),
  permissions: z.record(z.string(), z.string()),
})

/** Their numbers go beyond what a number holds exactly. */
const bigId = z.union([z.int(), z.bigint()]).transform(String)
export const deliveries = z.array(
  z.object({
    id: bigId,
    guid: z.string(),
    event: z.string(),
    action: z.string().nullable(),
    delivered_at: z.string(),
    status_code: z.int(),
  }),
)

export const membership = z.object({ state: z.string() })
