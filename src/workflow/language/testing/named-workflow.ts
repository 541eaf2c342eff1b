import { fc } from '../../../../test/at-random.ts'

export type Raw = Record<string, unknown>

const variables = ['v1', 'v2', 'v3', 'v4']
const names = ['s1', 's2', 's3', 's4', 's5', 's6', 's7', 's8']

const variable = fc.constantFrom(...variables, 'item', 'given', 'fixed', 'task', 'nowhere')
const expression = variable.chain((name) =>
  fc.constantFrom(
    `\${${name}}`,
    `x \${${name}.title} y`,
    `\${${name} | default('')}`,
    `\${${name} | uper}`,
    `\${steps.s1.status} \${${name}}`,
    `\${steps.${name}.status}`,
    `\${result.${name}}`,
  ),
)
const condition = variable.chain((name) =>
  fc.constantFrom(`\${${name}}`, `\${${name} is defined}`, `\${${name}.x == 1}`),
)

/** Some of these mean something and some do not: what is told of a workflow is not always nothing. */
const leaf: fc.Arbitrary<Raw> = fc.oneof(
  fc.record({
    command: expression,
    outputs: fc.constantFrom({ output: 'v1' }, { exit_code: 'v2.code' }, { outputs: 'v3' }),
  }),
  fc.record({ command: expression }),
  fc.record({
    type: fc.constant('system'),
    action: fc.constantFrom('set', 'log'),
    inputs: fc.dictionary(variable, expression, { maxKeys: 2 }),
  }),
  fc.record({
    action: fc.constant('set'),
    inputs: fc.dictionary(fc.constantFrom(...variables), expression, { minKeys: 1, maxKeys: 2 }),
  }),
  fc.record(
    {
      plugin: fc.constantFrom('task_management', 'version_control', 'communication', 'task_managment'),
      action: fc.constantFrom('get_task', 'create_branch', 'add_comment', 'get_tsk'),
      inputs: fc.dictionary(fc.constantFrom('task_id', 'branch', 'comment', 'coment'), expression, { maxKeys: 2 }),
      outputs: fc.constantFrom({ task: 'v1' }, { task: 'v4' }, { tsk: 'v3' }),
      rollback: fc.record({
        plugin: fc.constantFrom('version_control', 'nope'),
        action: fc.constantFrom('delete_branch', 'delet'),
        inputs: fc.record({ branch: expression }),
      }),
    },
    { requiredKeys: ['plugin', 'action'] },
  ),
  fc.record(
    {
      type: fc.constant('ai_action'),
      agent: fc.constantFrom('development', 'develpment'),
      prompt: expression,
      prompt_template: fc.constantFrom('a.njk', 'nope.njk'),
      inputs: fc.dictionary(fc.constantFrom('design', 'other'), expression, { maxKeys: 2 }),
      outputs: fc.constantFrom({ summary: 'v2' }, { sumary: 'v2' }),
    },
    { requiredKeys: ['type'] },
  ),
  fc.record(
    {
      type: fc.constant('approval'),
      shows: expression,
      approvers: fc.constantFrom([], ['role:write'], ['role:writer', 'x']),
    },
    { requiredKeys: ['type', 'shows'] },
  ),
  fc.record(
    {
      type: fc.constant('wait'),
      seconds: fc.constantFrom(1, 500),
      event: fc.constantFrom('checks.completed', 'schedule.due'),
    },
    { requiredKeys: ['type'] },
  ),
  fc.record({
    uses: fc.constantFrom('used', 'usd'),
    inputs: fc.constantFrom({}, { needed: 'x' }, { needed: 1 }, { other: 1 }),
    outputs: fc.constantFrom({}, { kept: 'v4' }, { lost: 'v4' }),
  }),
  fc.record({ type: fc.constant('system'), action: fc.constantFrom('cleanup', 'clenup') }),
)

const { step } = fc.letrec<{ step: Raw; steps: Raw[] }>((tie) => ({
  steps: fc.array(tie('step'), { maxLength: 3, depthIdentifier: 'steps' }),
  step: fc
    .tuple(
      fc.oneof(
        { depthSize: 'small', depthIdentifier: 'steps' },
        { arbitrary: leaf, weight: 4 },
        { arbitrary: fc.record({ type: fc.constant('parallel'), steps: tie('steps') }), weight: 1 },
        {
          arbitrary: fc.record(
            {
              type: fc.constant('loop'),
              for_each: fc.constantFrom<unknown>('${v1}', 'x', [1, 2, 3]),
              as: fc.constantFrom('item', 'v2', 'one'),
              max_iterations: fc.integer({ min: 1, max: 3 }),
              steps: tie('steps'),
            },
            { requiredKeys: ['type', 'for_each', 'max_iterations', 'steps'] },
          ),
          weight: 1,
        },
        {
          arbitrary: fc.record(
            // biome-ignore lint/suspicious/noThenProperty: `then` is the word of the language.
            { type: fc.constant('conditional'), condition, then: tie('steps'), else: tie('steps') },
            { requiredKeys: ['type', 'condition'] },
          ),
          weight: 1,
        },
      ),
      fc.record(
        {
          condition,
          on_error: fc.constantFrom('fail', 'retry', 'continue', 'rollback'),
          retry: fc.constantFrom({ count: 2 }, { initial_seconds: 90 }),
          timeout: fc.constantFrom(1, 100),
          needs: fc.array(fc.constantFrom(...names), { maxLength: 2 }),
        },
        { requiredKeys: [] },
      ),
    )
    .map(([body, common]) => ({ ...common, ...body })),
}))

/** A workflow that has the form of one, and names that mean something, or that do not. */
export const namedWorkflow: fc.Arbitrary<Raw> = fc
  .record(
    {
      on: fc.constantFrom(
        [{ event: 'issue.labeled', label: 'ai' }],
        [{ event: 'change.reviewed', label: 'ai' }],
        [{ command: 'run' }],
      ),
      kind: fc.constantFrom('development', 'nope'),
      inputs: fc.constantFrom(
        { given: { type: 'string', required: true } },
        { given: { type: 'number', default: 'x' } },
        { given: { type: 'string' } },
      ),
      variables: fc.constantFrom({ fixed: '${v1}' }, { fixed: '${given}' }, { task: 1 }),
      error_handling: fc.constantFrom(
        { default_strategy: 'continue' },
        { step_overrides: { s1: 'continue', s9: 'fail' } },
      ),
      limits: fc.constantFrom({ max_minutes: 1 }),
      prerequisites: fc.array(fc.record({ condition, error_message: expression }), { maxLength: 1 }),
      success_criteria: fc.array(fc.record({ condition }), { maxLength: 2 }),
      steps: fc.array(step, { minLength: 1, maxLength: 4 }),
      post_execution: fc.record(
        { always: fc.array(leaf, { maxLength: 1 }), on_failure: fc.array(leaf, { maxLength: 1 }) },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: ['steps'] },
  )
  .map(({ steps, post_execution: after, ...rest }) => {
    const count = { steps: 0 }
    const named = (list: readonly Raw[]): Raw[] =>
      list.map((raw) => {
        count.steps += 1
        // Now and then a name is there twice.
        const name = count.steps === 7 || count.steps === 8 ? 'twice' : `s${count.steps}`
        const inner = (['steps', 'then', 'else'] as const).flatMap((key) =>
          Array.isArray(raw[key]) ? [[key, named(raw[key] as Raw[])] as const] : [],
        )
        return { name, ...raw, ...Object.fromEntries(inner) }
      })
    return {
      name: 'w',
      ...rest,
      steps: named(steps),
      ...(after && {
        post_execution: Object.fromEntries(Object.entries(after).map(([key, list]) => [key, named(list)])),
      }),
    }
  })
