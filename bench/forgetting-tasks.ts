import type { TaskManagement } from '../src/plugins/task-management/contract.ts'
import { memoryTasks } from '../test/fakes/memory-tasks.ts'

/** So many comments of ended runs are remembered: what grows with the runs should be ours. */
const mostComments = 20

/** A tracker in memory with one ticket. */
export const forgettingTasks = async (): Promise<TaskManagement> => {
  const { plugin, comments } = memoryTasks()
  const place = { repository: 'acme/shop', installation: null }
  await plugin.createTask(place, { title: 'Prices', description: 'They should be right.', labels: [] })
  return {
    ...plugin,
    addComment: async (ref, body) => {
      if (comments.length >= mostComments) comments.shift()
      return plugin.addComment(ref, body)
    },
  }
}
