import { z } from 'zod'

const line = (max: number) => z.string().trim().min(1).max(max)
const lines = z.array(line(1000)).max(50)

/** What the development agent hands in. The descriptions are read by the model. */
export const submissionSchema = z.object({
  summary: line(2000).describe('What changed and why, two to five sentences for the person who asked'),
  title: line(120).describe('Pull request title as a Conventional Commit: "fix(cart): round totals to cents"'),
  description: line(20_000).describe('For the reviewer, Markdown: the cause, the approach, what to look at, risks'),
  commit_message: line(5000).describe('Conventional Commit: subject up to 72 characters, blank line, why'),
  files: z
    .array(z.object({ path: line(500), note: line(300) }))
    .max(200)
    .describe('Each changed file with a line on what changed in it'),
  tests: lines.describe('Tests added or changed: file and name'),
  criteria: z
    .array(z.object({ criterion: line(1000), evidence: line(1000) }))
    .max(50)
    .describe('Each acceptance criterion with the test, command or lines that show it is met'),
  breaking_changes: lines.describe('Empty if none'),
  not_done: lines.describe('What was asked but not done or not verified, and why. Empty only if nothing is'),
})

export type Submission = z.infer<typeof submissionSchema>
