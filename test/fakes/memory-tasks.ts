import { JourneymanError } from '../../src/domain/errors.ts'
import type { Task } from '../../src/domain/task.ts'
import { shortenBody } from '../../src/plugins/github-client/shorten.ts'
import type { Comment, TaskManagement, TaskRef } from '../../src/plugins/task-management/contract.ts'
import { acceptanceCriteria } from '../../src/plugins/task-management/github/acceptance-criteria.ts'

/** A tracker in memory that keeps the contract's suite: for tests of what stands above it. */
export type MemoryTasks = {
  plugin: TaskManagement
  tasks: Map<string, Task>
  comments: (Comment & { task: string })[]
  reactions: Set<string>
}

const ourId = '99'

export const memoryTasks = (): MemoryTasks => {
  const tasks = new Map<string, Task>()
  const comments: MemoryTasks['comments'] = []
  const reactions = new Set<string>()
  let commentsEver = 0
  const get = (ref: TaskRef): Task => {
    if (!/^\d+$/.test(ref.key)) throw new JourneymanError('invalid_input', `${ref.key} is no key of a task.`)
    const task = tasks.get(ref.key)
    if (!task) throw new JourneymanError('not_found', `There is no task ${ref.key}.`)
    return task
  }
  const change = (ref: TaskRef, changed: Partial<Task>): Task => {
    const task = { ...get(ref), ...changed }
    tasks.set(ref.key, task)
    return task
  }
  const shown = ({ task: _, ...comment }: Comment & { task: string }): Comment => comment
  const plugin: TaskManagement = {
    name: 'memory',
    getTask: async (ref) => get(ref),
    findComment: async (ref, marker, butNot) => {
      const ours = (one: Comment & { task: string }) =>
        one.task === ref.key && one.authorId === ourId && one.id !== butNot
      const found = comments.findLast((one) => ours(one) && one.body.includes(marker))
      return found ? shown(found) : null
    },
    addComment: async (ref, body) => {
      get(ref)
      commentsEver += 1
      const id = String(commentsEver)
      const by = { author: 'journeyman[bot]', authorId: ourId, createdAt: '2026-11-20T10:00:00Z' }
      comments.push({ task: ref.key, id, url: `https://tasks.test/${ref.key}#${id}`, body: shortenBody(body), ...by })
      return shown(comments.at(-1) as Comment & { task: string })
    },
    updateComment: async (_ref, id, body) => {
      const found = comments.find((one) => one.id === id)
      if (!found) throw new JourneymanError('not_found', `There is no comment ${id}.`)
      found.body = shortenBody(body)
      return shown(found)
    },
    deleteComment: async (_ref, id) => {
      const at = comments.findIndex((one) => one.id === id)
      if (at !== -1) comments.splice(at, 1)
    },
    setStatus: async (ref, status) => change(ref, { status }),
    setLabels: async (ref, { add, remove }) => {
      const kept = get(ref).labels.filter((label) => !remove.includes(label))
      change(ref, { labels: [...new Set([...kept, ...add])] })
    },
    addReaction: async (ref, commentId, reaction) => {
      get(ref)
      reactions.add(`${ref.key}/${commentId ?? ''}:${reaction}`)
    },
    listTasks: async (_ref, status) => [...tasks.values()].filter((task) => !status || task.status === status),
    createTask: async (_ref, input) => {
      const key = String(tasks.size + 1)
      tasks.set(key, taskOf(key, input))
      return get({ repository: '', installation: null, key })
    },
  }
  return { plugin, tasks, comments, reactions }
}

const taskOf = (key: string, input: { title: string; description: string; labels: string[] }): Task => ({
  id: key,
  key,
  title: input.title,
  description: input.description,
  type: input.labels.includes('bug') ? 'bug' : 'task',
  status: 'todo',
  priority: input.labels.find((label) => label.startsWith('priority:'))?.slice('priority:'.length) ?? null,
  assignee: null,
  reporter: 'octocat',
  reporter_id: '1',
  labels: input.labels,
  acceptance_criteria: acceptanceCriteria(input.description),
  epic: null,
  project: 'acme/shop',
  repository_url: 'https://code.test/acme/shop',
  team_channel: null,
  custom_fields: {},
  url: `https://tasks.test/${key}`,
  created_at: '2026-11-20T09:00:00Z',
  updated_at: '2026-11-20T09:00:00Z',
})
