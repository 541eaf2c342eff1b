import type { CheckResult, Implementation } from '../../domain/agent.ts'
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
  const submission: Submission = submissionSchema.parse(submitted)
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
