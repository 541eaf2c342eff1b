import { parseArgs } from 'node:util'
import { agentTurn } from './agent-turn.ts'
import { check500Steps } from './check-500-steps.ts'
import { dbosSteps } from './dbos-steps.ts'
import { deliveriesPerSecond } from './deliveries-per-second.ts'
import { deliveryLatency } from './delivery-latency.ts'
import { eventToComment } from './event-to-comment.ts'
import { journalledStep } from './journalled-step.ts'
import { machineFacts } from './machine-facts.ts'
import type { Measurement, Result } from './measurement.ts'
import { memoryOverRuns } from './memory-over-runs.ts'
import { type Bench, openBench } from './open-bench.ts'
import { parkedApprovals } from './parked-approvals.ts'
import { pickUp } from './pick-up.ts'
import { jsonOf, tableOf } from './print-results.ts'
import { promptSize } from './prompt-size.ts'
import { resumeAfterKill } from './resume-after-kill.ts'
import { runsPerSecond } from './runs-per-second.ts'
import { sandboxedCommand } from './sandboxed-command.ts'
import { startToReady } from './start-to-ready.ts'
import { workspaceReady } from './workspace-ready.ts'

/**
 * `npm run bench`: medians and ratios of one run, each with its floor and its goal. `--json` prints one JSON object as the
 * last line, `--only <name>` takes one measurement, `--quick` fewer rounds. What is missed is shown and is no failure: the
 * exit code says whether it could be measured.
 */
const measurements: Measurement[] = [
  deliveriesPerSecond,
  deliveryLatency,
  pickUp,
  eventToComment,
  journalledStep,
  dbosSteps,
  runsPerSecond,
  resumeAfterKill,
  parkedApprovals,
  memoryOverRuns,
  check500Steps,
  sandboxedCommand,
  workspaceReady,
  agentTurn,
  promptSize,
  startToReady,
]

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
    },
  })
  const machine = machineFacts()
  const chosen = choose(values.only)
  const bench = await openBench({ quick: values.quick, say: (text) => process.stderr.write(`${text}\n`) })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void endEarly(bench, signal))
  try {
    const results = await measureAll(bench, chosen)
    process.stdout.write(`${tableOf(results, machine)}\n`)
    if (values.json) process.stdout.write(`${jsonOf(results, machine)}\n`)
  } finally {
    await bench.close()
  }
}

/** Nothing is left of a bench that is ended in its middle. */
const endEarly = async (bench: Bench, signal: NodeJS.Signals): Promise<void> => {
  await bench.close().catch((error: unknown) => bench.say(`Not all of it could be closed: ${error}`))
  process.kill(process.pid, signal)
}

const choose = (only: string[]): Measurement[] => {
  const names = measurements.map(({ name }) => name)
  const unknown = only.find((name) => !names.includes(name))
  if (unknown !== undefined) {
    throw new Error(`There is no measurement "${unknown}". There are: ${names.join(', ')}.`)
  }
  return only.length === 0 ? measurements : measurements.filter(({ name }) => only.includes(name))
}

/** One that fails leaves the others their turn. */
const measureAll = async (bench: Bench, chosen: Measurement[]): Promise<Result[]> => {
  const results: Result[] = []
  for (const { name, measure } of chosen) {
    const begun = performance.now()
    try {
      results.push(...(await measure(bench)))
      bench.say(`${name}: ${((performance.now() - begun) / 1000).toFixed(1)} s`)
    } catch (error) {
      process.exitCode = 1
      bench.say(`${name} could not be measured: ${error instanceof Error ? (error.stack ?? error.message) : error}`)
    } finally {
      await bench.tidy()
    }
  }
  return results
}

await main()
