import type { Actor } from '../../src/domain/event.ts'
import { taskManagementContract } from '../../src/plugins/task-management/contract-suite.ts'
import { versionControlContract } from '../../src/plugins/version-control/contract-suite.ts'
import { memoryTasks } from './memory-tasks.ts'
import { commitId, memoryHost } from './memory-version-control.ts'

taskManagementContract('The tracker in memory', async () => {
  const { plugin, comments } = memoryTasks()
  return {
    plugin,
    project: { repository: 'acme/shop', installation: null },
    foreignComment: async (ref, body) => {
      const by = { author: 'eve', authorId: '4711', createdAt: '2026-11-20T10:00:00Z' }
      comments.push({ task: ref.key, id: 'foreign', url: 'https://tasks.test/foreign', body, ...by })
    },
    close: async () => undefined,
  }
})

versionControlContract('The host in memory', async () => {
  const host = memoryHost()
  const person = (login: string, id: string): Actor => ({ login, id, isBot: false })
  host.permissions.set('writer', { id: '1', permission: 'write' })
  host.permissions.set('reader', { id: '2', permission: 'read' })
  return {
    plugin: host.plugin,
    ref: { repository: 'acme/shop', installation: null },
    writer: person('writer', '1'),
    reader: person('reader', '2'),
    stranger: person('stranger', '3'),
    commit: async (branch, text) => {
      host.branches.set(branch, commitId(`${branch} ${text}`))
      return commitId(`${branch} ${text}`)
    },
    closeChange: async (number) => {
      const change = host.changes[number - 1]
      if (change) host.changes[number - 1] = { ...change, state: 'closed' }
    },
    close: async () => undefined,
  }
})
