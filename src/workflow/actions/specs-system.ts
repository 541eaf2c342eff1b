import { z } from 'zod'
import { type ActionSpec, defineAction, optional, someText, text } from './action-spec.ts'

const define = (action: string, spec: Parameters<typeof defineAction>[2]): ActionSpec =>
  defineAction('system', action, spec)

export const systemSpecs: Record<string, ActionSpec> = {
  set: define('set', { description: 'Sets a variable for each of its inputs.', isOpen: true }),
  log: define('log', {
    description: 'Writes a line to the log.',
    inputs: { message: text, level: optional(z.enum(['debug', 'info', 'warn', 'error'])) },
  }),
  metric: define('metric', {
    description: 'Counts something.',
    inputs: {
      name: someText,
      value: optional(z.number()),
      labels: optional(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))),
    },
  }),
  cleanup: define('cleanup', { description: 'Removes the work tree of the run, its processes and its folder.' }),
  checks: define('checks', {
    description: 'Runs the checks of the repository and keeps what came out as evidence, before or after the work.',
    inputs: { when: z.enum(['before', 'after']) },
    outputs: ['checks', 'passed'],
  }),
  log_success: define('log_success', {
    description: 'Notes that the run has succeeded.',
    inputs: { message: optional(text) },
  }),
  send_alert: define('send_alert', {
    description: 'Tells the operator that the run has failed.',
    inputs: { message: optional(text), channel: optional(text) },
  }),
}
