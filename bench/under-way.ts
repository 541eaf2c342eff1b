import { readdir, readFile } from 'node:fs/promises'

/** Whether some process of this machine, a sandboxed one too, runs just that command. As Linux tells it. */
export const isUnderWay = async (command: string): Promise<boolean> => {
  const line = command.split(' ').join('\0')
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const found = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (found === `${line}\0`) return true
  }
  return false
}
