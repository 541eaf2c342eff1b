import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { installationFolder } from './installation-folder.ts'

/** The version of this installation, as its package.json says. */
export const installedVersion = (): string => {
  const text = readFileSync(join(installationFolder(), 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
