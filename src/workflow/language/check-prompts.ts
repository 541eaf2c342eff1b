import { failureOf } from '../../domain/errors.ts'
import { shapeOf } from './check-secrets.ts'
import type { Checking } from './checking.ts'
import type { AiStep } from './definition.ts'
import { suggestion } from './nearest.ts'
import { promptMistakes } from './prompt-mistakes.ts'
import { namesUsedByPrompt } from './prompts.ts'
import { everyStep } from './steps-within.ts'
import type { UsedName } from './used-names.ts'

/** That each prompt is there, can be read, and is given all that it uses. */
export const checkPrompts = (checking: Checking): void => {
  for (const step of everyStep(checking.definition)) {
    if (step.type === 'ai_action' && step.promptTemplate !== null) checkPrompt(step, step.promptTemplate, checking)
  }
}

const checkPrompt = (step: AiStep, reference: string, checking: Checking): void => {
  const path = [...checking.pathOf(step), 'prompt_template']
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

const reportMissing = (step: AiStep, used: UsedName[], reference: string, checking: Checking): void => {
  const agent = checking.context.agents[step.agent]
  const given = [...Object.keys(step.inputs), ...(agent?.given ?? [])]
  const missing = used.filter(({ name, optional }) => !optional && !given.includes(name))
  for (const [name, { at }] of new Map(missing.map((item) => [item.name, item]))) {
    const where = `The prompt \`${reference}\`, line ${at.line + 1}`
    const message = `${where}: it uses \`${name}\`, which the step does not give.${suggestion(name, given)}`
    checking.report([...checking.pathOf(step), 'prompt_template'], message)
  }
}
