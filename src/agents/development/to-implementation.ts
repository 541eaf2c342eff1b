import type { CheckResult, Implementation } from '../../domain/agent.ts'
import { JourneymanError } from '../../domain/errors.ts'
import type { ProposedFile } from '../../workspace/contract.ts'
import { type Submission, submissionSchema } from './submission-schema.ts'

/**
 * What workflows call an implementation: the agent's words, and beside them what was recorded. Which files changed and what
 * the checks said never comes from the model; its notes are kept for files that did change.
 */
export const toImplementation = (
  submitted: Record<string, unknown>,
  proposal: Pick<ProposedFile, 'path' | 'status' | 'additions' | 'deletions'>[],
  checks: CheckResult[],
): Implementation => {
  const submission = readSubmission(submitted)
  const notes = new Map(submission.files.map((file) => [file.path.replace(/^(\.\/)+/, ''), file.note]))
  return {
    summary: submission.summary,
    pr_title: submission.title,
    pr_description: submission.description,
    commit_message: submission.commit_message,
    files: proposal.map(({ path, status, additions, deletions }) => {
      const note = notes.get(path)
      return { path, status, additions, deletions, ...(note !== undefined && { note }) }
    }),
    tests: submission.tests,
    breaking_changes: submission.breaking_changes,
    not_done: submission.not_done,
    criteria: submission.criteria,
    checks,
  }
}

/** It was checked when it was handed in; a row of an older version may not fit any more. */
const readSubmission = (submitted: Record<string, unknown>): Submission => {
  const parsed = submissionSchema.safeParse(submitted)
  if (parsed.success) return parsed.data
  throw new JourneymanError('malformed_output', 'What the development agent handed in does not fit what is expected.', {
    nextAction: 'Retry the run.',
    detail: { issues: parsed.error.issues.slice(0, 10).map((issue) => `${issue.path.join('.')}: ${issue.message}`) },
  })
}
