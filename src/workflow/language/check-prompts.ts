import { failureOf } from '../../domain/errors.ts'
import { shapeOf } from './check-secrets.ts'
import type { Checking } from './checking.ts'
import { agentIsClear } from './clear-steps.ts'
import { own } from './data.ts'
import type { AiStep } from './definition.ts'
import { suggestion } from './nearest.ts'
import { promptMistakes } from './prompt-mistakes.ts'
import { namesUsedByPrompt } from './prompts.ts'
import { everyStep } from './steps-within.ts'
import type { UsedName } from './used-names.ts'
import type { Path } from './yaml-source.ts'

/** That each prompt is there, can be read, and is given all that it uses. */
export const checkPrompts = (checking: Checking): void => {
  for (const step of everyStep(checking.definition)) {
    if (step.type === 'ai_action' && step.promptTemplate !== null) checkPrompt(step, step.promptTemplate, checking)
  }
}

const checkPrompt = (step: AiStep, reference: string, checking: Checking): void => {
  const path = [...checking.pathOf(step), 'prompt_template']
  if (!isCertain(step, path, checking)) return
  const text = checking.context.readPrompt(reference)
  if (text === null) {
    checking.report(path, `There is no prompt \`${reference}\`.`)
    return
  }
  const secret = shapeOf(text)
  if (secret) checking.report(path, `The prompt \`${reference}\` holds what looks like ${secret}.`)
  try {
    for (const { message, at } of promptMistakes(text)) {
      checking.report(path, `The prompt \`${reference}\`, line ${at.line + 1}: ${message}`)
    }
    reportMissing(step, namesUsedByPrompt(text), reference, checking)
  } catch (error) {
    const { message, detail } = failureOf(error)
    const where = typeof detail?.['line'] === 'number' ? `, line ${detail['line']}` : ''
    checking.report(path, `The prompt \`${reference}\`${where}: ${message}`)
  }
}

/** A prompt that a step does not name follows from its agent, where the step brings none with it. */
const isCertain = (step: AiStep, path: Path, checking: Checking): boolean => {
  const { gaps, source, pathOf } = checking
  if (gaps.isBroken([...pathOf(step), 'type']) || !gaps.isClear(path)) return false
  if (path.reduce<unknown>(own, source.value) !== undefined) return true
  return gaps.isClear([...pathOf(step), 'prompt']) && agentIsClear(step, checking)
}

const reportMissing = (step: AiStep, used: UsedName[], reference: string, checking: Checking): void => {
  const { agents } = checking.context
  const agent = Object.hasOwn(agents, step.agent) ? agents[step.agent] : undefined
  // What an agent that nobody knows is given nobody knows either.
  if (!agent || !agentIsClear(step, checking) || !checking.gaps.isClear([...checking.pathOf(step), 'inputs'])) return
  const given = [...Object.keys(step.inputs), ...agent.given]
  const missing = used.filter(({ name, optional }) => !optional && !given.includes(name))
  for (const [name, { at }] of new Map(missing.map((item) => [item.name, item]))) {
    const where = `The prompt \`${reference}\`, line ${at.line + 1}`
    const message = `${where}: it uses \`${name}\`, which the step does not give.${suggestion(name, given)}`
    checking.report([...checking.pathOf(step), 'prompt_template'], message)
  }
}
