import { actionSpecs } from '../src/workflow/actions/specs.ts'
import { agentSpecs } from '../src/workflow/language/agent-specs.ts'
import { checkWorkflow } from '../src/workflow/language/check-workflow.ts'
import { everyStep } from '../src/workflow/language/steps-within.ts'
import type { Measurement } from './measurement.ts'
import { median, percentile, timed } from './statistics.ts'

/**
 * All that `journeyman check` does with one file of 500 steps, from its text to its problems, in a process that is warm: an
 * editor asks at every pause in typing. Each ten of them nest: a loop with a condition in it, a parallel group, a command;
 * with expressions that name what was set before. No figure of others stands beside it.
 */
export const check500Steps: Measurement = {
  name: 'check-500-steps',
  measure: async (bench) => {
    check()
    const timesMs: number[] = []
    for (let round = -5; round < bench.rounds(40); round++) {
      const ms = await timed(async () => check())
      if (round >= 0) timesMs.push(ms)
    }
    return [
      {
        name: 'checking a workflow of 500 steps',
        value: median(timesMs),
        unit: 'ms',
        p50: median(timesMs),
        p99: percentile(timesMs, 0.99),
        floor: 100,
        goal: 100,
        better: 'lower',
        note: `${source.split('\n').length} lines, nested three deep; longest ${percentile(timesMs, 1).toFixed(0)} ms of ${timesMs.length}`,
      },
    ]
  },
}

const steps = 500

/** Ten steps. */
const groupOf = (at: number): string => `
  - name: read_${at}
    plugin: task_management
    action: get_task
    outputs: { task: task_${at} }
    on_error: retry
    retry: { count: 3, backoff: exponential }
  - name: each_${at}
    type: loop
    for_each: "\${task_${at}.labels | unique}"
    as: label
    max_iterations: 20
    steps:
      - name: note_${at}
        type: system
        action: set
        inputs: { text_${at}: "\${label | upper} of \${task_${at}.title | truncate_middle(40)}" }
      - name: choose_${at}
        type: conditional
        condition: "\${label == 'bug' and task_${at}.priority is defined}"
        then:
          - { name: quick_${at}, type: run, command: npm test, timeout: 600 }
        else:
          - { name: slow_${at}, type: system, action: log, inputs: { message: "\${text_${at}}" } }
  - name: both_${at}
    type: parallel
    fail_fast: false
    steps:
      - { name: left_${at}, type: run, command: npm run lint, outputs: { exit_code: lint_${at} } }
      - { name: right_${at}, type: system, action: log, inputs: { message: "\${task_${at}.key}" } }
  - name: last_${at}
    type: run
    command: npm run build
    condition: "\${lint_${at} == 0 or steps.read_${at}.status == 'done'}"`

const source = `name: large
description: A workflow of many steps
version: "1.0.0"
on:
  - event: issue.labeled
    label: large
steps:${Array.from({ length: steps / 10 }, (_, at) => groupOf(at)).join('')}
`

const context = {
  actions: actionSpecs,
  agents: agentSpecs,
  configuredPlugins: ['task_management', 'version_control'],
  readPrompt: () => null,
}

/** A figure for another workflow than that would be worth nothing. */
const check = (): void => {
  const { definition, problems } = checkWorkflow(source, 'large.yaml', context)
  const found = definition && everyStep(definition).length
  if (found !== steps) throw new Error(`${found} steps were found. ${JSON.stringify(problems.slice(0, 3))}`)
}
