import { z } from 'zod'
import { stepName } from '../../domain/address.ts'
import { eventNames } from '../../domain/event.ts'
import { repositoryName } from '../../domain/subject.ts'

/**
 * What may stand in a workflow file, before anything is filled in. The parser reads each step by the schema of its type,
 * and the editor's JSON Schema is made from the same ones. Ceilings: a loop, a retry, a timeout without one is none.
 */
export const ceilings = {
  retries: 10,
  iterations: 1000,
  concurrency: 32,
  timeoutSeconds: 30 * 86_400,
  steps: 1000,
} as const

const name = z
  .string()
  .regex(stepName, 'must be lower case letters, digits and underscores, beginning with a letter')
  .describe('Names the step in the journal, in `steps.<name>` and in `needs`.')
const expressionText = z.union([z.string().min(1), z.boolean().transform(String)])
const condition = expressionText.describe('An expression; the step is skipped where it does not hold.')
const inputs = z.record(z.string(), z.unknown())
const exitCode = z.int().min(0).max(255)
const seconds = z.number().positive().max(ceilings.timeoutSeconds)
export const strategies = ['fail', 'retry', 'continue', 'rollback'] as const
const strategy = z.enum(strategies)

const call = z.strictObject({ plugin: z.string().min(1), action: z.string().min(1), inputs: inputs.optional() })

const retry = z.strictObject({
  count: z.int().min(0).max(ceilings.retries).optional(),
  backoff: z.enum(['exponential', 'fixed']).optional(),
  initial_seconds: z.number().nonnegative().max(3600).optional(),
  max_seconds: z.number().positive().max(86_400).optional(),
  jitter: z.enum(['full', 'none']).optional(),
})

const everyStep = {
  name,
  description: z.string().optional().describe('Shown to people while the step runs: "Read the ticket".'),
  condition: condition.optional(),
  on_error: strategy.optional(),
  retry_count: z.int().min(0).max(ceilings.retries).optional().describe('Tries after the first.'),
  retry: retry.optional(),
  timeout: seconds.optional().describe('Seconds.'),
  needs: z.array(z.string()).optional(),
  outputs: z.record(z.string(), z.string().min(1)).optional().describe('Result field -> variable.'),
}

export const everyStepKeys = Object.keys(everyStep)

/** `nested` is what a list of steps is made of: unread for the parser, which goes in itself; steps for the editor. */
export const stepSchemas = (nested: z.ZodType) => {
  const steps = z.array(nested)
  return {
    plugin: z.strictObject({
      ...everyStep,
      type: z.literal('plugin').optional(),
      plugin: z.string().min(1),
      action: z.string().min(1),
      inputs: inputs.optional(),
      rollback: call.optional(),
    }),
    ai_action: z.strictObject({
      ...everyStep,
      type: z.literal('ai_action').optional(),
      agent: z.string().min(1).optional(),
      prompt_template: z.string().min(1).optional(),
      prompt: z.string().min(1).optional(),
      inputs: inputs.optional(),
      rollback: call.optional(),
    }),
    run: z.strictObject({
      ...everyStep,
      type: z.literal('run').optional(),
      command: z.string().min(1),
      accept: z.strictObject({ exit_code: z.union([exitCode, z.array(exitCode).min(1)]) }).optional(),
      network: z.boolean().optional(),
    }),
    conditional: z.strictObject({
      ...everyStep,
      type: z.literal('conditional').optional(),
      condition: expressionText,
      // biome-ignore lint/suspicious/noThenProperty: `then` is the word of the language.
      then: steps.optional(),
      else: steps.optional(),
    }),
    parallel: z.strictObject({
      ...everyStep,
      type: z.literal('parallel'),
      max_concurrency: z.int().min(1).max(ceilings.concurrency).optional(),
      fail_fast: z.boolean().optional(),
      steps,
    }),
    loop: z.strictObject({
      ...everyStep,
      type: z.literal('loop').optional(),
      for_each: z.union([z.string().min(1), z.array(z.unknown())]),
      as: z.string().min(1).optional(),
      max_iterations: z.int().min(1).max(ceilings.iterations),
      max_concurrency: z.int().min(1).max(ceilings.concurrency).optional(),
      steps,
    }),
    approval: z.strictObject({
      ...everyStep,
      type: z.literal('approval').optional(),
      shows: z.unknown(),
      approvers: z.array(z.string().min(1)).optional(),
      on_timeout: z.enum(['approve', 'reject', 'fail']).optional(),
    }),
    wait: z.strictObject({
      ...everyStep,
      type: z.literal('wait'),
      event: z.enum(eventNames).optional(),
      seconds: seconds.optional(),
    }),
    workflow: z.strictObject({
      ...everyStep,
      type: z.literal('workflow').optional(),
      uses: z.string().min(1),
      inputs: inputs.optional(),
    }),
    system: z.strictObject({
      ...everyStep,
      type: z.literal('system').optional(),
      action: z.string().min(1),
      inputs: inputs.optional(),
    }),
  }
}

export type StepSchemas = ReturnType<typeof stepSchemas>
export type StepType = keyof StepSchemas

/** The short form of `post_execution`, whose name is made up. */
export const withoutName = (schema: StepSchemas['system']) => schema.extend({ name: name.optional() })

const trigger = {
  event: z.strictObject({
    event: z.enum(eventNames),
    label: z.string().optional(),
    to: z.string().optional(),
    from: z.string().optional(),
    assignee: z.string().optional(),
    state: z.string().optional(),
    conclusion: z.string().optional(),
    source_branch: z.string().optional(),
    target_branch: z.string().optional(),
    command: z.string().optional(),
    arguments: z.string().optional().describe('All that follows the command.'),
    channel: z.string().optional(),
    project: z.string().optional(),
  }),
  command: z.strictObject({ command: z.string().regex(/^[a-z][a-z0-9_-]*$/, 'must be one word in lower case') }),
  schedule: z.strictObject({
    schedule: z
      .string()
      .regex(/^(\S+ ){4}\S+$/, 'must be five fields of cron')
      .describe('Five fields of cron, in UTC: "0 6 * * mon".'),
    repository: z
      .string()
      .regex(repositoryName, 'must be owner/name')
      .optional()
      .describe(
        'Where; without it, in `schedules.repositories` of the configuration, or in the only one that is known.',
      ),
  }),
}
export const triggerSchemas = trigger

const inputSpec = z.strictObject({
  type: z.enum(['string', 'number', 'boolean', 'list', 'object']),
  required: z.boolean().optional(),
  default: z.unknown().optional(),
  description: z.string().optional(),
})

/** `steps` is one list of steps, `triggers` one trigger, `after` one step of `post_execution`. */
export const workflowSchema = (steps: z.ZodType, triggers: z.ZodType, after: z.ZodType) =>
  z.strictObject({
    name,
    description: z.string().optional(),
    version: z.string().min(1).optional(),
    kind: z.string().min(1).optional().describe('The agent of an `ai_action` that names none; `development`.'),
    on: z.array(triggers).optional(),
    inputs: z.record(z.string(), inputSpec).optional(),
    variables: z.record(z.string(), z.unknown()).optional(),
    concurrency: z
      .strictObject({ key: z.string().min(1), policy: z.enum(['one', 'queue', 'cancel_running']) })
      .optional(),
    limits: z
      .strictObject({
        max_cost_usd: z.number().positive().optional(),
        max_tokens: z.int().positive().optional(),
        max_minutes: z.number().positive().optional(),
      })
      .optional(),
    prerequisites: z.array(z.strictObject({ condition: expressionText, error_message: z.string().min(1) })).optional(),
    steps: z.array(steps).min(1).max(ceilings.steps),
    error_handling: z
      .strictObject({
        default_strategy: strategy.optional(),
        step_overrides: z.record(z.string(), strategy).optional(),
      })
      .optional(),
    success_criteria: z
      .array(z.strictObject({ condition: expressionText, description: z.string().optional() }))
      .optional(),
    post_execution: z
      .strictObject({
        always: z.array(after).optional(),
        on_success: z.array(after).optional(),
        on_failure: z.array(after).optional(),
      })
      .optional(),
  })

export type RawWorkflow = z.infer<ReturnType<typeof workflowSchema>>
