import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TaskManagement, TaskRef } from './contract.ts'

/** What the suite needs of a tracker, the real one's stand-in or a fake. */
export type TaskManagementStage = {
  plugin: TaskManagement
  project: { repository: string; installation: string | null }
  /** A comment by somebody else. */
  foreignComment: (ref: TaskRef, body: string) => Promise<void>
  close: () => Promise<void>
}

/** What every task management plugin does alike. Each plugin's own tests run this, and so does every fake. */
export const taskManagementContract = (name: string, setStage: () => Promise<TaskManagementStage>): void => {
  describe(`${name} as task management`, () => {
    let stage: TaskManagementStage
    beforeAll(async () => {
      stage = await setStage()
    })
    afterAll(() => stage.close())

    const create = async (input: Partial<Parameters<TaskManagement['createTask']>[1]> = {}) => {
      const task = await stage.plugin.createTask(stage.project, {
        title: 'Add a login',
        description: 'Please.',
        labels: [],
        ...input,
      })
      return { task, ref: { ...stage.project, key: task.key } }
    }

    it('creates a task and reads it in standard form', async () => {
      const { task, ref } = await create({ labels: ['bug', 'priority:high'] })
      expect(task).toMatchObject({
        title: 'Add a login',
        description: 'Please.',
        type: 'bug',
        status: 'todo',
        priority: 'high',
        labels: ['bug', 'priority:high'],
      })
      expect(task.url).toMatch(/^https?:\/\//)
      expect(await stage.plugin.getTask(ref)).toEqual(task)
    })

    it('reads acceptance criteria from the text', async () => {
      const description =
        'Why\n\n## Acceptance criteria\n\n- A person can log in\n- [x] A wrong password is refused\n\n## Notes\n- no'
      const { task } = await create({ description })
      expect(task.acceptance_criteria).toEqual(['A person can log in', 'A wrong password is refused'])
    })

    it('says not_found for a task that is not there, and invalid_input for what is no key', async () => {
      const missing = { ...stage.project, key: '99999' }
      await expect(stage.plugin.getTask(missing)).rejects.toMatchObject({ code: 'not_found' })
      await expect(stage.plugin.getTask({ ...missing, key: '../1' })).rejects.toMatchObject({ code: 'invalid_input' })
    })

    it('goes through the statuses, each once and twice', async () => {
      const { ref } = await create({ labels: ['ai', 'keep'] })
      for (const status of ['in_progress', 'in_progress', 'in_review', 'blocked', 'todo', 'done', 'done'] as const) {
        const task = await stage.plugin.setStatus(ref, status)
        expect(task.status).toBe(status)
        expect((await stage.plugin.getTask(ref)).status).toBe(status)
        expect(task.labels).toContain('keep')
      }
    })

    it('cancels a task', async () => {
      const { ref } = await create()
      await stage.plugin.setStatus(ref, 'cancelled')
      expect((await stage.plugin.getTask(ref)).status).toBe('cancelled')
    })

    it('adds and removes labels, also those that are there or are not', async () => {
      const { ref } = await create({ labels: ['a', 'b'] })
      await stage.plugin.setLabels(ref, { add: ['b', 'c'], remove: ['a', 'never'] })
      await stage.plugin.setLabels(ref, { add: ['c'], remove: ['a'] })
      expect((await stage.plugin.getTask(ref)).labels.toSorted()).toEqual(['b', 'c'])
    })

    it("finds a comment of ours by its marker, the newest, and nobody else's", async () => {
      const { plugin } = stage
      const { ref } = await create()
      const marker = '<!-- journeyman:run_1 progress -->'
      await stage.foreignComment(ref, `Look ${marker}`)
      expect(await plugin.findComment(ref, marker)).toBeNull()
      await plugin.addComment(ref, `Old ${marker}`)
      await plugin.addComment(ref, 'Another <!-- journeyman:run_10 progress -->')
      const newest = await plugin.addComment(ref, `New ${marker}`)
      expect(await plugin.findComment(ref, marker)).toEqual(newest)
      expect(await plugin.findComment(ref, '<!-- journeyman:run_2 progress -->')).toBeNull()
    })

    it('edits a comment in place and deletes it, once and twice', async () => {
      const { plugin } = stage
      const { ref } = await create()
      const comment = await plugin.addComment(ref, 'One <!-- journeyman:x -->')
      const edited = await plugin.updateComment(ref, comment.id, 'Two <!-- journeyman:x -->')
      expect(edited).toMatchObject({ id: comment.id, url: comment.url, body: 'Two <!-- journeyman:x -->' })
      expect(await plugin.findComment(ref, '<!-- journeyman:x -->')).toEqual(edited)
      await plugin.deleteComment(ref, comment.id)
      await plugin.deleteComment(ref, comment.id)
      expect(await plugin.findComment(ref, '<!-- journeyman:x -->')).toBeNull()
    })

    it('takes a comment over the limit, says so, and still finds it by its marker', async () => {
      const { ref } = await create()
      const marker = '<!-- journeyman:run_long -->'
      const comment = await stage.plugin.addComment(ref, `${'line of text 😀\n'.repeat(10_000)}${marker}`)
      expect(comment.body).toMatch(/Shortened/)
      expect((await stage.plugin.findComment(ref, marker))?.id).toBe(comment.id)
    })

    it('shows the eyes on a task and on a comment, twice being once', async () => {
      const { plugin } = stage
      if (!plugin.addReaction) return
      const { ref } = await create()
      const comment = await plugin.addComment(ref, 'Hello')
      for (const id of [null, null, comment.id, comment.id]) await plugin.addReaction(ref, id, 'eyes')
    })

    it('lists tasks by status', async () => {
      const { ref } = await create({ title: 'Listed' })
      await stage.plugin.setStatus(ref, 'in_review')
      const keys = async (...status: Parameters<TaskManagement['listTasks']>[1][]) =>
        (await stage.plugin.listTasks(stage.project, ...status)).map((task) => task.key)
      expect(await keys('in_review')).toContain(ref.key)
      expect(await keys('todo')).not.toContain(ref.key)
      expect(await keys()).toContain(ref.key)
    })
  })
}
