import { type ChildProcess, spawn } from 'node:child_process'
import type { GitAnswer, GitOrder } from './git-host.ts'

/** The small process from which the world's git is started. It ends what it has started when the world goes away, and itself. */
const timeoutMs = 30_000
const running = new Set<ChildProcess>()

const answer = (message: GitAnswer): void => {
  if (process.connected) process.send?.(message, undefined, {}, () => {})
}

const run = ({ id, command, input }: GitOrder): void => {
  const child = spawn('env', command, { timeout: timeoutMs })
  const out: Buffer[] = []
  const complaint: Buffer[] = []
  running.add(child)
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => complaint.push(chunk))
  child.stdin.on('error', () => {}) // git may be done before it has read everything
  child.on('error', (error) => answer({ id, error: `The world needs git, which cannot be started: ${error.message}.` }))
  child.on('close', (code) => {
    running.delete(child)
    answer({ id, code, out: Buffer.concat(out), complaint: Buffer.concat(complaint).toString().trim() })
  })
  child.stdin.end(input)
}

process.on('message', run)
process.on('disconnect', () => {
  for (const child of running) child.kill('SIGKILL')
})
