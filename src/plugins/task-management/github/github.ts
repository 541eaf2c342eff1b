import { z } from 'zod'
import { codeOf, JourneymanError } from '../../../domain/errors.ts'
import type { Task } from '../../../domain/task.ts'
import type { GitHubClient, Place } from '../../github-client/github-client.ts'
import { shortenBody, shortenTitle } from '../../github-client/shorten.ts'
import type { Comment, TaskManagement, TaskRef } from '../contract.ts'
import { findComment } from './find-comment.ts'
import { comment, type Issue, type IssueComment, issue, labels } from './schema.ts'
import { labelsFor } from './status-labels.ts'
import { labelNames, taskOfIssue } from './task-of-issue.ts'

const issuePath = '/repos/{owner}/{repo}/issues/{issue_number}'
const commentPath = '/repos/{owner}/{repo}/issues/comments/{comment_id}'
/** A hundred issues a page. */
const maxPages = 10

/** GitHub Issues as the tracker, by an app's installations. A task's key is the issue's number. */
export const createGitHubTaskManagement = (client: GitHubClient): TaskManagement => {
  const { request } = client
  const readIssue = async (ref: TaskRef): Promise<Issue> =>
    (await request(ref, `GET ${issuePath}`, numberOf(ref), issue)).data
  const taskOf = (ref: Place, read: Issue): Task => taskOfIssue(read, ref.repository, client.url)

  const changeLabels = async (ref: TaskRef, change: { add: string[]; remove: string[] }): Promise<void> => {
    if (change.add.length > 0) {
      await request(ref, `POST ${issuePath}/labels`, { ...numberOf(ref), labels: change.add }, z.unknown())
    }
    for (const name of change.remove) {
      const removal = request(ref, `DELETE ${issuePath}/labels/{name}`, { ...numberOf(ref), name }, z.unknown())
      await ignoring('not_found', removal)
    }
  }

  return {
    name: 'github',
    getTask: async (ref) => taskOf(ref, await readIssue(ref)),

    findComment: async (ref, marker) => {
      const found = await findComment(client, ref, marker)
      return found && commentOf(found)
    },

    addComment: async (ref, body) => {
      const parameters = { ...numberOf(ref), body: shortenBody(body) }
      return commentOf((await request(ref, `POST ${issuePath}/comments`, parameters, comment)).data)
    },

    updateComment: async (ref, commentId, body) => {
      const parameters = { comment_id: idOf(commentId), body: shortenBody(body) }
      return commentOf((await request(ref, `PATCH ${commentPath}`, parameters, comment)).data)
    },

    deleteComment: async (ref, commentId) => {
      const deletion = request(ref, `DELETE ${commentPath}`, { comment_id: idOf(commentId) }, z.unknown())
      await ignoring('not_found', deletion)
    },

    // A closed issue was closed by somebody, and stays so whatever our labels say.
    setStatus: async (ref, status) => {
      const before = await readIssue(ref)
      const closing = status === 'done' || status === 'cancelled'
      await changeLabels(ref, labelsFor(status, labelNames(before.labels)))
      const reason = status === 'done' ? 'completed' : 'not_planned'
      if (closing && (before.state !== 'closed' || before.state_reason !== reason)) {
        const parameters = { ...numberOf(ref), state: 'closed', state_reason: reason }
        return taskOf(ref, (await request(ref, `PATCH ${issuePath}`, parameters, issue)).data)
      }
      return taskOf(ref, await readIssue(ref))
    },

    setLabels: async (ref, change) => {
      const { data } = await request(ref, `GET ${issuePath}/labels`, { ...numberOf(ref), per_page: 100 }, labels)
      const present = labelNames(data)
      await changeLabels(ref, {
        add: change.add.filter((label) => !present.includes(label)),
        remove: change.remove.filter((label) => present.includes(label) && !change.add.includes(label)),
      })
    },

    addReaction: async (ref, commentId, reaction) => {
      const [path, where] =
        commentId === null ? [issuePath, numberOf(ref)] : [commentPath, { comment_id: idOf(commentId) }]
      await request(ref, `POST ${path}/reactions`, { ...where, content: reaction }, z.unknown())
    },

    listTasks: async (ref, status) => {
      const state = status === 'done' || status === 'cancelled' ? 'closed' : status === undefined ? 'all' : 'open'
      const tasks: Task[] = []
      for (let page = 1; page <= maxPages; page++) {
        const parameters = { state, per_page: 100, page }
        const { data } = await request(ref, 'GET /repos/{owner}/{repo}/issues', parameters, z.array(issue))
        const issues = data.filter((each) => each.pull_request === undefined || each.pull_request === null)
        tasks.push(...issues.map((each) => taskOf(ref, each)))
        if (data.length < 100) break
      }
      return status === undefined ? tasks : tasks.filter((task) => task.status === status)
    },

    createTask: async (ref, input) => {
      const body = { title: shortenTitle(input.title), body: shortenBody(input.description), labels: input.labels }
      return taskOf(ref, (await request(ref, 'POST /repos/{owner}/{repo}/issues', body, issue)).data)
    },
  }
}

const numberOf = (ref: TaskRef): { issue_number: number } => ({ issue_number: idOf(ref.key) })

const idOf = (text: string): number => {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new JourneymanError('invalid_input', `"${text}" is not the number of an issue or a comment on GitHub.`)
}

const ignoring = async (code: string, write: Promise<unknown>): Promise<void> => {
  await write.catch((error) => {
    if (codeOf(error) !== code) throw error
  })
}

const commentOf = (read: IssueComment): Comment => ({
  id: String(read.id),
  url: read.html_url,
  body: read.body ?? '',
  author: read.user?.login ?? 'ghost',
  authorId: String(read.user?.id ?? ''),
  createdAt: read.created_at,
})
