import { z } from 'zod'
import type { GitHubClient } from '../../github-client/github-client.ts'
import { shortenBody } from '../../github-client/shorten.ts'
import type { Comment, TaskManagement } from '../contract.ts'
import { findComment } from './find-comment.ts'
import { idOf, ignoringMissing, numberOf } from './issue-number.ts'
import { comment, type IssueComment } from './schema.ts'

const issuePath = '/repos/{owner}/{repo}/issues/{issue_number}'
const commentPath = '/repos/{owner}/{repo}/issues/comments/{comment_id}'

type Comments = Pick<TaskManagement, 'findComment' | 'addComment' | 'updateComment' | 'deleteComment' | 'addReaction'>

export const comments = (client: GitHubClient): Comments => ({
  findComment: async (ref, marker, butNot) => {
    const found = await findComment(client, ref, marker, butNot)
    return found && commentOf(found)
  },

  addComment: async (ref, body) => {
    const parameters = { ...numberOf(ref), body: shortenBody(body) }
    return commentOf((await client.request(ref, `POST ${issuePath}/comments`, parameters, comment)).data)
  },

  updateComment: async (ref, commentId, body) => {
    const parameters = { comment_id: idOf(commentId), body: shortenBody(body) }
    return commentOf((await client.request(ref, `PATCH ${commentPath}`, parameters, comment)).data)
  },

  deleteComment: async (ref, commentId) => {
    const parameters = { comment_id: idOf(commentId) }
    await ignoringMissing(client.request(ref, `DELETE ${commentPath}`, parameters, z.unknown()))
  },

  // GitHub answers a second one of the same kind with the first.
  addReaction: async (ref, commentId, reaction) => {
    const [path, where] =
      commentId === null ? [issuePath, numberOf(ref)] : [commentPath, { comment_id: idOf(commentId) }]
    await client.request(ref, `POST ${path}/reactions`, { ...where, content: reaction }, z.unknown())
  },
})

const commentOf = (read: IssueComment): Comment => ({
  id: String(read.id),
  url: read.html_url,
  body: read.body ?? '',
  author: read.user?.login ?? 'ghost',
  authorId: String(read.user?.id ?? ''),
  createdAt: read.created_at,
})
