import { chmod, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

const maxDepth = 200

/** Removes a folder that an agent has written: it may have closed folders to everybody, itself too. Links are not followed. */
export const removeTree = async (path: string): Promise<void> => {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'ENOTEMPTY') throw error
    await openFolders(path, 0)
    await rm(path, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** The folder itself stays the same one: a running sandbox may have it mounted. */
export const emptyFolder = async (path: string): Promise<void> => {
  await chmod(path, 0o700)
  for (const name of await readdir(path)) await removeTree(join(path, name))
}

const openFolders = async (folder: string, depth: number): Promise<void> => {
  if (depth > maxDepth) return
  await chmod(folder, 0o700).catch(() => {})
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) if (entry.isDirectory()) await openFolders(join(folder, entry.name), depth + 1)
}
