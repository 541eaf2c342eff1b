import { type ActionSpec, systemActionSpecs } from '../actions/specs.ts'
import { checkUses } from './check-uses.ts'
import type { Checking } from './checking.ts'
import { agentIsClear, strategyIsClear } from './clear-steps.ts'
import { keysOf, ownPath } from './data.ts'
import type { Call, Step } from './definition.ts'
import { suggestion } from './nearest.ts'
import { everyStep, flatten } from './steps-within.ts'
import { parseTemplate } from './templates.ts'
import { noName } from './unread-step.ts'
import type { Path } from './yaml-source.ts'

/** That what a step names exists, and that what it gives is what is asked for. */
export const checkSteps = (checking: Checking): void => {
  checkDuplicates(checking)
  checkOverrides(checking)
  for (const step of everyStep(checking.definition)) checkStep(step, checking)
}

const checkDuplicates = (checking: Checking): void => {
  const { always, onSuccess, onFailure } = checking.definition.postExecution
  for (const list of [checking.definition.steps, always, onSuccess, onFailure]) {
    const seen = new Map<string, Step>()
    for (const step of flatten(list)) {
      if (step.name === noName) continue
      const first = seen.get(step.name)
      if (!first) seen.set(step.name, step)
      else {
        const message = `There is a step named \`${step.name}\` already, at line ${first.position.line}.`
        checking.report([...checking.pathOf(step), 'name'], message)
      }
    }
  }
}

const checkOverrides = (checking: Checking): void => {
  const path = ['error_handling', 'step_overrides']
  const names = checking.stepNames
  for (const name of keysOf(ownPath(checking.source.value, path.join('.')))) {
    if (checking.isNoStep(name))
      checking.reportKey(path, name, `There is no step \`${name}\`.${suggestion(name, names)}`)
  }
}

const checkStep = (step: Step, checking: Checking): void => {
  const path = checking.pathOf(step)
  if (checking.gaps.isBroken([...path, 'type'])) return
  if (step.type === 'plugin') {
    const spec = checkCall(step, path, mayBeSkipped(step, checking), checking)
    if (spec) checkOutputs(step, path, spec.outputs, `${step.plugin}.${step.action}`, checking)
  }
  if ((step.type === 'plugin' || step.type === 'ai_action') && step.rollback) {
    checkCall(step.rollback, [...path, 'rollback'], 'no', checking)
  }
  if (step.type === 'ai_action') checkAgent(step, path, checking)
  if (step.type === 'system') checkSystem(step, path, checking)
  if (step.type === 'workflow') {
    const gives = checking.gaps.isClear([...path, 'uses']) ? checkUses(step, path, checking) : null
    if (gives) checkOutputs(step, path, gives, `The workflow \`${step.uses}\``, checking)
  }
  const own = containerOutputs[step.type]
  if (own) checkOutputs(step, path, own, `The ${step.type} \`${step.name}\``, checking)
}

/** What steps give whose result is the engine's own. */
const containerOutputs: Partial<Record<Step['type'], readonly string[]>> = {
  run: ['exit_code', 'output', 'duration_ms'],
  parallel: ['results', 'failed', 'skipped'],
  loop: ['iterations', 'results'],
  approval: ['approved', 'decided_by', 'comment', 'asked'],
  wait: ['event', 'waited_seconds'],
  conditional: [],
}

type Maybe = 'yes' | 'no' | 'unclear'

const mayBeSkipped = (step: Step, checking: Checking): Maybe => {
  if (!strategyIsClear(step, checking)) return 'unclear'
  return step.onError === 'continue' ? 'yes' : 'no'
}

const checkCall = (call: Call, path: Path, isSkipped: Maybe, checking: Checking): ActionSpec | null => {
  const { actions, configuredPlugins } = checking.context
  if (!checking.gaps.isClear([...path, 'plugin'])) return null
  const known = Object.hasOwn(actions, call.plugin) ? actions[call.plugin] : undefined
  if (!known) {
    const hint = suggestion(call.plugin, Object.keys(actions)) || ` There are ${Object.keys(actions).join(', ')}.`
    checking.report([...path, 'plugin'], `There is no plugin category \`${call.plugin}\`.${hint}`)
    return null
  }
  if (!configuredPlugins.includes(call.plugin)) reportUnconfigured(call.plugin, path, isSkipped, checking)
  if (!checking.gaps.isClear([...path, 'action'])) return null
  if (!Object.hasOwn(known, call.action)) {
    const hint = suggestion(call.action, Object.keys(known)) || ` There are ${Object.keys(known).join(', ')}.`
    checking.report([...path, 'action'], `\`${call.plugin}\` has no action \`${call.action}\`.${hint}`)
    return null
  }
  const spec = known[call.action]!
  checkInputs(spec, call.inputs, path, checking)
  return spec
}

const reportUnconfigured = (category: string, path: Path, isSkipped: Maybe, checking: Checking): void => {
  const message = `No \`${category}\` is configured`
  if (isSkipped === 'unclear') return
  if (isSkipped === 'yes') checking.report([...path, 'plugin'], `${message}: the step will be skipped.`, 'warning')
  else checking.report([...path, 'plugin'], `${message}. Configure one, or give the step \`on_error: continue\`.`)
}

const checkInputs = (spec: ActionSpec, inputs: Record<string, unknown>, path: Path, checking: Checking): void => {
  if (spec.isOpen) return
  const whole = [...path, 'inputs']
  const names = [...Object.keys(spec.fields), ...Object.keys(spec.aliases)]
  const given = new Set<string>()
  for (const [name, value] of Object.entries(inputs)) {
    if (!names.includes(name)) {
      const takes = names.length === 0 ? 'It takes none.' : `It takes ${names.join(', ')}.`
      const hint = suggestion(name, names) || ` ${takes}`
      checking.reportKey(whole, name, `\`${spec.category}.${spec.action}\` takes no \`${name}\`.${hint}`)
      continue
    }
    const first = spec.aliases[name] ?? name
    if (given.has(first)) checking.reportKey(whole, name, `\`${first}\` is given twice, under two spellings.`)
    given.add(first)
    checkValue(spec, first, value, [...whole, name], checking)
  }
  if (!checking.gaps.isClear(whole)) return
  const missing = spec.required.filter((name) => !given.has(name) && !spec.implied.includes(name))
  for (const name of missing) {
    checking.report(whole, `\`${spec.category}.${spec.action}\` needs \`${name}\`, which is not given.`)
  }
}

/** A value with an expression in it is known only when the step runs. */
const checkValue = (spec: ActionSpec, name: string, value: unknown, path: Path, checking: Checking): void => {
  if (holdsExpression(value)) return
  const parsed = spec.fields[name]!.safeParse(value)
  if (parsed.success) return
  const issue = parsed.error.issues[0]
  checking.report(path, `\`${name}\` of \`${spec.category}.${spec.action}\` does not fit: ${issue?.message}.`)
}

const holdsExpression = (value: unknown): boolean => {
  if (typeof value === 'string') return parseTemplate(value).some((part) => part.kind !== 'text')
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsExpression)
}

const checkAgent = (step: Step & { type: 'ai_action' }, path: Path, checking: Checking): void => {
  if (step.prompt !== null && step.promptTemplate !== null) {
    checking.report([...path, 'prompt'], 'A step has either `prompt` or `prompt_template`, not both.')
  }
  const { agents } = checking.context
  if (!agentIsClear(step, checking)) return
  const agent = Object.hasOwn(agents, step.agent) ? agents[step.agent] : undefined
  if (agent) {
    checkOutputs(step, path, agent.outputs, `The agent \`${step.agent}\``, checking)
    return
  }
  const names = Object.keys(agents)
  const hint = suggestion(step.agent, names) || ` There ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}.`
  checking.report([...path, 'agent'], `There is no agent \`${step.agent}\`.${hint}`)
}

const checkSystem = (step: Step & { type: 'system' }, path: Path, checking: Checking): void => {
  if (!checking.gaps.isClear([...path, 'action'])) return
  const names = Object.keys(systemActionSpecs)
  const spec = Object.hasOwn(systemActionSpecs, step.action) ? systemActionSpecs[step.action] : undefined
  if (!spec) {
    const hint = suggestion(step.action, names) || ` There are ${names.join(', ')}.`
    checking.report([...path, 'action'], `There is no system action \`${step.action}\`.${hint}`)
    return
  }
  checkInputs(spec, step.inputs, path, checking)
  if (!spec.isOpen) checkOutputs(step, path, spec.outputs, `system.${step.action}`, checking)
}

const checkOutputs = (step: Step, path: Path, known: readonly string[], who: string, checking: Checking): void => {
  for (const field of Object.keys(step.outputs)) {
    const root = field.split('.')[0] as string
    if (known.includes(root)) continue
    const gives = known.length === 0 ? ' It gives nothing.' : ` It gives ${known.join(', ')}.`
    checking.reportKey([...path, 'outputs'], field, `${who} gives no \`${root}\`.${suggestion(root, known) || gives}`)
  }
}
