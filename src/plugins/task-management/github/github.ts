import type { TaskStatus } from '../../../domain/task.ts'
import type { GitHubClient } from '../../github-client/github-client.ts'
import { shortenBody, shortenTitle } from '../../github-client/shorten.ts'
import type { TaskManagement, TaskRef } from '../contract.ts'
import { changeLabels } from './change-labels.ts'
import { comments } from './comments.ts'
import { numberOf } from './issue-number.ts'
import { listIssues } from './list-issues.ts'
import { type Issue, issue, labels } from './schema.ts'
import { labelsFor } from './status-labels.ts'
import { labelNames, taskOfIssue } from './task-of-issue.ts'

const issuePath = '/repos/{owner}/{repo}/issues/{issue_number}'

/** GitHub Issues as the tracker, by an app's installations. A task's key is the issue's number. */
export const createGitHubTaskManagement = (client: GitHubClient): TaskManagement => {
  const { request, url } = client
  return {
    name: 'github',
    ...comments(client),

    getTask: async (ref) => taskOfIssue(await readIssue(client, ref), ref.repository, url),

    setStatus: async (ref, status) => taskOfIssue(await setStatus(client, ref, status), ref.repository, url),

    setLabels: async (ref, change) => {
      const { data } = await request(ref, `GET ${issuePath}/labels`, { ...numberOf(ref), per_page: 100 }, labels)
      const present = labelNames(data)
      await changeLabels(request, ref, {
        add: change.add.filter((label) => !present.includes(label)),
        remove: change.remove.filter((label) => present.includes(label) && !change.add.includes(label)),
      })
    },

    listTasks: async (ref, status) => {
      const tasks = (await listIssues(request, ref, status)).map((each) => taskOfIssue(each, ref.repository, url))
      return status === undefined ? tasks : tasks.filter((task) => task.status === status)
    },

    createTask: async (ref, input) => {
      const body = { title: shortenTitle(input.title), body: shortenBody(input.description), labels: input.labels }
      const { data } = await request(ref, 'POST /repos/{owner}/{repo}/issues', body, issue)
      return taskOfIssue(data, ref.repository, url)
    },
  }
}

const readIssue = async ({ request }: GitHubClient, ref: TaskRef): Promise<Issue> =>
  (await request(ref, `GET ${issuePath}`, numberOf(ref), issue)).data

/** A closed issue was closed by somebody, and is not opened again whatever our labels say. */
const setStatus = async (client: GitHubClient, ref: TaskRef, status: TaskStatus): Promise<Issue> => {
  const before = await readIssue(client, ref)
  await changeLabels(client.request, ref, labelsFor(status, labelNames(before.labels)))
  const reason = closingReasons[status]
  if (reason === undefined || (before.state === 'closed' && before.state_reason === reason)) {
    return readIssue(client, ref)
  }
  const parameters = { ...numberOf(ref), state: 'closed', state_reason: reason }
  return (await client.request(ref, `PATCH ${issuePath}`, parameters, issue)).data
}

const closingReasons: Partial<Record<TaskStatus, string>> = { done: 'completed', cancelled: 'not_planned' }
