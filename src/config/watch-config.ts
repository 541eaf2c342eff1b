import { type FSWatcher, statSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import { failureOf } from '../domain/errors.ts'
import { compareConfigs, takeOver } from './compare-configs.ts'
import type { LoadedConfig } from './load-config.ts'
import type { Config } from './schema.ts'

export type ConfigNotice =
  | { kind: 'reloaded'; keys: string[] }
  | { kind: 'restart_needed'; keys: string[] }
  | { kind: 'broken'; message: string }
  | { kind: 'mended' }

export type WatchOptions = {
  current: LoadedConfig
  /** Reads everything again; throws as `loadConfig` does. */
  load: () => LoadedConfig
  /** The configuration from now on, when something in it changed that a running process may take over. */
  changed: (config: Config, keys: string[]) => void
  /** Each thing once, for the log: `ConfigNotice` says what. */
  tell: (notice: ConfigNotice) => void
  /** An editor writes in several strokes; this long after the last one it is read. */
  settleMs?: number
  /** Where the system tells nothing (network folders), the files are looked at this often. */
  lookEveryMs?: number
}

/**
 * Follows the configuration's files. Their folders are watched and not the files, since many editors write a new file and
 * rename it over the old one. A file that does not load keeps the configuration as it is.
 */
export const watchConfig = (options: WatchOptions): { close: () => void } => {
  const { files } = options.current
  const reload = createReload(options)
  let seen = fingerprint(files)
  let timer: NodeJS.Timeout | undefined

  const look = (): void => {
    const now = fingerprint(files)
    if (now === seen) return
    seen = now
    reload()
  }
  const soon = (): void => {
    clearTimeout(timer)
    timer = setTimeout(look, options.settleMs ?? 100)
    timer.unref()
  }
  const watchers = [...new Set(files.map((file) => dirname(file)))].flatMap((folder) => watchFolder(folder, soon))
  const slow = setInterval(look, options.lookEveryMs ?? 5000)
  slow.unref()
  // What was changed between the loading and now, while the process started, has no other sign.
  reload()
  return {
    close: () => {
      clearTimeout(timer)
      clearInterval(slow)
      for (const watcher of watchers) watcher.close()
    },
  }
}

/** Reads again and tells what came of it; the same thing is not told twice in a row. */
const createReload = (options: WatchOptions): (() => void) => {
  let config = options.current.config
  let broken = ''
  let waiting = ''
  const mended = (): void => {
    if (broken !== '') options.tell({ kind: 'mended' })
    broken = ''
  }
  return () => {
    const loaded = tryLoad(options.load)
    if ('message' in loaded) {
      if (loaded.message !== broken) options.tell({ kind: 'broken', message: loaded.message })
      broken = loaded.message
      return
    }
    mended()
    const { live, restart } = compareConfigs(config, loaded.config)
    if (live.length > 0) {
      config = takeOver(config, loaded.config)
      options.changed(config, live)
      options.tell({ kind: 'reloaded', keys: live })
    }
    if (restart.length > 0 && restart.join() !== waiting) options.tell({ kind: 'restart_needed', keys: restart })
    waiting = restart.join()
  }
}

const tryLoad = (load: () => LoadedConfig): LoadedConfig | { message: string } => {
  try {
    return load()
  } catch (error) {
    return { message: failureOf(error).message }
  }
}

/** A folder that is not there, or cannot be watched, is left to the slow look. */
const watchFolder = (folder: string, heard: () => void): FSWatcher[] => {
  try {
    const watcher = watch(folder, { persistent: false }, heard)
    watcher.on('error', () => watcher.close())
    return [watcher]
  } catch {
    return []
  }
}

const fingerprint = (files: string[]): string => files.map(fingerprintOf).join()

/** What cannot be looked at is as good as not there; reading it will say why. */
const fingerprintOf = (file: string): string => {
  try {
    const found = statSync(file)
    return `${found.ino}:${found.size}:${found.mtimeMs}`
  } catch {
    return '-'
  }
}
