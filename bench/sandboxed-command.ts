import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { loadConfig } from '../src/config/load-config.ts'
import { createSandbox, type Sandbox } from '../src/workspace/sandbox/sandbox.ts'
import type { Measurement, Result } from './measurement.ts'
import type { Bench } from './open-bench.ts'
import { median, percentile, timed } from './statistics.ts'

/** The same empty command through the sandbox and by itself, in turns. */
export const sandboxedCommand: Measurement = {
  name: 'sandboxed-command',
  measure: async (bench) => {
    const sandbox = await openSandbox(bench)
    if (!sandbox.status.usable || sandbox.status.kind === 'none') {
      bench.say(`There is no sandbox here: ${sandbox.status.summary}`)
      return []
    }
    return [await compare(bench, sandbox)]
  },
}

/** As the application makes it from the default configuration. */
const openSandbox = async (bench: Bench): Promise<Sandbox> => {
  const folder = await bench.folder()
  const { kind, ...limits } = loadConfig({ folder, environment: {} }).config.sandbox
  const sandbox = await createSandbox({ kind, limits, scratchDir: join(folder, 'sandbox') })
  bench.after(sandbox.close)
  return sandbox
}

const compare = async (bench: Bench, sandbox: Sandbox): Promise<Result> => {
  const folder = await bench.folder()
  const [root, scratch] = [join(folder, 'tree'), join(folder, 'home')]
  for (const path of [root, scratch]) {
    await mkdir(path)
    await sandbox.ownWorktree(path)
  }
  const command = 'true'
  const bare = fork(join(import.meta.dirname, 'bare-command-process.ts'))
  bench.after(async () => void bare.kill())
  const inside: number[] = []
  const outside: number[] = []
  const warmUp = 5
  for (let round = 0; round < bench.rounds(80) + warmUp; round++) {
    const { signal } = new AbortController()
    const bareMs = await runBare(bare, command, root)
    const sandboxedMs = await timed(async () => {
      const { exitCode } = await sandbox.run({ command, root, scratch, timeoutMs: 10_000, signal })
      if (exitCode !== 0) throw new Error(`The command ended with ${exitCode}.`)
    })
    if (round < warmUp) continue
    inside.push(sandboxedMs)
    outside.push(bareMs)
  }
  const extra = inside.map((ms, index) => ms - (outside[index] ?? 0))
  return {
    name: 'a sandboxed command over a bare one',
    value: median(extra),
    unit: 'ms more',
    p50: percentile(extra, 0.5),
    p99: percentile(extra, 0.99),
    floor: 15,
    goal: 10,
    better: 'lower',
    note: `${median(inside).toFixed(1)} ms in the sandbox, ${median(outside).toFixed(1)} ms without`,
  }
}

const runBare = async (bare: ChildProcess, command: string, root: string): Promise<number> => {
  bare.send({ command, root })
  const [answer] = (await once(bare, 'message')) as [{ ms?: number; error?: string }]
  if (answer.ms === undefined) throw new Error(`The bare command failed: ${answer.error}`)
  return answer.ms
}
