import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { ClaudeReport } from './claude-process.ts'

export type ClaudeProcess = {
  url: string
  apiKey: string
  report: () => Promise<ClaudeReport>
  close: () => Promise<void>
}

export const startClaudeProcess = async (): Promise<ClaudeProcess> => {
  const child = fork(join(import.meta.dirname, 'claude-process.ts'))
  const [found] = (await first(child)) as [{ url: string; apiKey: string }]
  return {
    ...found,
    report: async () => {
      child.send('report')
      const [report] = (await first(child)) as [ClaudeReport]
      return report
    },
    close: async () => {
      const gone = once(child, 'exit')
      child.kill()
      await gone
    },
  }
}

const first = (child: ChildProcess): Promise<unknown[]> =>
  Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('The scripted Claude has ended.'))),
  ])
