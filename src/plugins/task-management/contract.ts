import type { Task, TaskStatus } from '../../domain/task.ts'

/** Where a task lives: what a run knows of it. `key` is the service's own (`12`, `PROJ-7`). */
export type TaskRef = { repository: string; installation: string | null; key: string }

export type Comment = { id: string; url: string; body: string; author: string; authorId: string; createdAt: string }

/**
 * Tickets of one service. As with version control, writes go through the effect ledger, and `findComment` is how it
 * asks the outside. Throws the same codes.
 */
export type TaskManagement = {
  name: string
  getTask: (ref: TaskRef) => Promise<Task>
  /** Newest-first search for a comment of ours that holds the hidden marker, and is not `butNot`; bounded. */
  findComment: (ref: TaskRef, marker: string, butNot?: string) => Promise<Comment | null>
  addComment: (ref: TaskRef, body: string) => Promise<Comment>
  updateComment: (ref: TaskRef, commentId: string, body: string) => Promise<Comment>
  deleteComment: (ref: TaskRef, commentId: string) => Promise<void>
  /** Sets the standard status by the service's mapping (labels on GitHub). Setting what is set is no error. */
  setStatus: (ref: TaskRef, status: TaskStatus) => Promise<Task>
  /** Adds and removes labels. Adding what is there and removing what is not are no errors. */
  setLabels: (ref: TaskRef, change: { add: string[]; remove: string[] }) => Promise<void>
  /** A sign without words. Twice is once. `commentId` null means the task itself. */
  addReaction?: (ref: TaskRef, commentId: string | null, reaction: 'eyes' | '+1') => Promise<void>
  listTasks: (ref: { repository: string; installation: string | null }, status?: TaskStatus) => Promise<Task[]>
  createTask: (
    ref: { repository: string; installation: string | null },
    input: { title: string; description: string; labels: string[] },
  ) => Promise<Task>
}
