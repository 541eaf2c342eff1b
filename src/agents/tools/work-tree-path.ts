import type { Workspace } from '../../workspace/contract.ts'

/**
 * A path as the model wrote it, relative to the work tree. Models like absolute paths: one below the work tree's own root is
 * understood. Anything else is left as it is, for the sandbox to refuse; this is a convenience and no defence.
 */
export const workTreePath = (path: string, workspace: Workspace): string => {
  const inside =
    path === workspace.root || path.startsWith(`${workspace.root}/`) ? path.slice(workspace.root.length) : path
  const relative = inside === path ? inside : inside.replace(/^\/+/, '')
  const plain = relative.replace(/^(\.\/+)+/, '').replace(/\/+$/, '')
  return plain === '' ? (path === '/' ? '/' : '.') : plain
}
