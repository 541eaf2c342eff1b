import { existsSync, watch } from 'node:fs'
import { dirname, join } from 'node:path'

/** An editor writes in several strokes. */
const settleMs = 120

/** Comes at once, and again whenever something changes in the folders of these files or in the prompts beside them. */
export async function* watchFolders(files: readonly string[]): AsyncGenerator<void> {
  const folders = [...new Set(files.map((file) => dirname(file)))]
  const watched = folders.flatMap((folder) => [folder, join(folder, 'prompts'), join(folder, '..', 'prompts')])
  let wake: () => void = () => undefined
  let changed = true
  let timer: NodeJS.Timeout | undefined
  const heard = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      changed = true
      wake()
    }, settleMs)
  }
  const watchers = [...new Set(watched)].filter((folder) => existsSync(folder)).map((folder) => watch(folder, heard))
  try {
    for (;;) {
      if (changed) {
        changed = false
        yield
        continue
      }
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  } finally {
    clearTimeout(timer)
    for (const watcher of watchers) watcher.close()
  }
}
