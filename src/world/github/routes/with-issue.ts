import { type Answer, notFound, refused } from '../answer.ts'
import { maxBodyCharacters } from '../edit-issue.ts'
import type { RepositoryCall } from '../route.ts'
import type { CommentState, IssueState } from '../state.ts'

/** The issue, or pull request, that the path names; otherwise GitHub's 404. */
export const withIssue = (
  call: RepositoryCall,
  handle: (issue: IssueState) => Answer | Promise<Answer>,
): Answer | Promise<Answer> => {
  const issue = call.repository.issues.get(Number(call.parameters['issue_number']))
  return issue === undefined ? notFound() : handle(issue)
}

export const withComment = (call: RepositoryCall, handle: (comment: CommentState) => Answer): Answer => {
  const comment = call.repository.comments.get(Number(call.parameters['comment_id']))
  return comment === undefined ? notFound() : handle(comment)
}

/** GitHub counts characters, not bytes, and refuses what is longer. */
export const tooLong = (resource: string, body: unknown): Answer | null =>
  typeof body === 'string' && [...body].length > maxBodyCharacters
    ? {
        ...refused(422, 'Validation Failed'),
        body: {
          message: 'Validation Failed',
          errors: [
            {
              resource,
              code: 'unprocessable',
              field: 'data',
              message: `Body is too long (maximum is ${maxBodyCharacters} characters)`,
            },
          ],
          documentation_url: 'https://docs.github.com/rest',
          status: '422',
        },
      }
    : null
