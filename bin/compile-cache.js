// Plain JavaScript, since it has to be done before the first .ts file is loaded.
import { lstatSync, mkdirSync, statSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Keeps compiled modules for the next start, half of what loading costs, and for the threads of this process, which read
 * NODE_COMPILE_CACHE. What lies in the folder is run as code. It is therefore refused where anyone else could have put
 * something into it; Node's own default, in the temporary folder that all share, belongs to whoever comes first. Without
 * it everything works, only later. Who has set NODE_COMPILE_CACHE has chosen a folder, and Node has opened it already.
 */
export const keepCompiled = (parent = tmpdir()) => {
  if (process.env.NODE_COMPILE_CACHE) return
  const folder = join(parent, `journeyman-compiled-${process.geteuid?.() ?? 'own'}`)
  if (!isOursAlone(folder, parent)) return
  enableCompileCache(folder)
  process.env.NODE_COMPILE_CACHE = folder
}

const makeUnlessThere = (folder) => {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
}

const isOursAlone = (folder, parent) => {
  try {
    makeUnlessThere(folder)
    const user = process.geteuid?.()
    // On Windows the temporary folder is the user's own.
    if (user === undefined) return true
    const { mode, uid } = statSync(parent)
    // Whoever owns the folder around it may do so whatever its mode is: a TMPDIR that was taken along into another account.
    const isAnothers = uid !== user && uid !== 0
    const othersMayReplaceIt = isAnothers || ((mode & 0o022) !== 0 && (mode & 0o1000) === 0)
    // Not what a link leads to: it could lead elsewhere a moment later.
    const found = lstatSync(folder)
    return !othersMayReplaceIt && found.isDirectory() && found.uid === user && (found.mode & 0o077) === 0
  } catch {
    return false
  }
}
