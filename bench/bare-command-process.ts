import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/**
 * Runs a command without any sandbox and tells how long it took. In a small process of its own, as the sandbox's launcher
 * is: a process is started by copying its parent's page tables, and those of a large one would be counted as the command's.
 */
process.on('message', (message: { command: string; root: string }) => {
  const begunMs = performance.now()
  execute('/bin/bash', ['-c', message.command], { cwd: message.root }).then(
    () => process.send?.({ ms: performance.now() - begunMs }),
    (error: unknown) => process.send?.({ error: String(error) }),
  )
})
