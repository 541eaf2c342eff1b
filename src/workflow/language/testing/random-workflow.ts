import { fc } from '../../../../test/at-random.ts'

/** Texts that people write, and texts that somebody writes to break out of where they are put. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom(
    '"]; end',
    '%%{init: {"theme": "dark"}}%%',
    '`**bold**`',
    '1. list',
    '- dash',
    '#quot;#35;',
    'end',
    '<script>alert(1)</script>',
    'click n1 "javascript:alert(1)"',
    '|yes| n2',
    '\u001b[31mred\u001b[0m',
    'two\nlines\r\n%% three',
    '\u202eright to left',
    'style n1 fill:#f00;',
    '---',
  ),
)

const condition = fc.constantFrom('task.id', "task.title == 'x'", '${task.labels | length > 1}', 'not (a and b)')

type Raw = Record<string, unknown>

const leaf: fc.Arbitrary<Raw> = fc.oneof(
  fc.record({ command: text.filter((one) => one !== '') }),
  fc.record({ action: fc.constant('log'), inputs: fc.record({ message: text }) }),
  fc.record({ plugin: fc.constant('task_management'), action: fc.constant('get_task') }),
  fc.record({ type: fc.constant('ai_action'), prompt: text.filter((one) => one !== '') }),
  fc.record({ type: fc.constant('approval'), shows: text, approvers: fc.array(text.filter((one) => one !== '')) }),
  fc.record({ type: fc.constant('wait'), seconds: fc.integer({ min: 1, max: 100 }) }),
  fc.record({ type: fc.constant('workflow'), uses: text.filter((one) => one !== '') }),
)

const { step } = fc.letrec<{ step: Raw; steps: Raw[] }>((tie) => ({
  steps: fc.array(tie('step'), { maxLength: 4, depthIdentifier: 'steps' }),
  step: fc
    .tuple(
      fc.oneof(
        { depthSize: 'small', depthIdentifier: 'steps' },
        leaf,
        fc.record({ type: fc.constant('parallel'), fail_fast: fc.boolean(), steps: tie('steps') }),
        fc.record({
          type: fc.constant('loop'),
          for_each: fc.constantFrom('${task.labels}', '${a}'),
          max_iterations: fc.integer({ min: 1, max: 9 }),
          steps: tie('steps'),
        }),
        // biome-ignore lint/suspicious/noThenProperty: `then` is the word of the language.
        fc.record({ type: fc.constant('conditional'), condition, then: tie('steps'), else: tie('steps') }),
      ),
      fc.record(
        {
          description: text,
          condition,
          on_error: fc.constantFrom('fail', 'retry', 'continue', 'rollback'),
          timeout: fc.integer({ min: 1, max: 100 }),
          needs: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
        },
        { requiredKeys: [] },
      ),
    )
    .map(([body, common]) => ({ ...common, ...body })),
}))

/** A workflow that has the form of one: each step has a name of its own, and needs those before it. */
export const randomWorkflow: fc.Arbitrary<Raw> = fc
  .record({
    description: text,
    steps: fc.array(step, { minLength: 1, maxLength: 5 }),
    after: fc.array(leaf, { maxLength: 2 }),
    label: text,
  })
  .map(({ description, steps, after, label }) => {
    const count = { steps: 0 }
    return {
      name: 'random',
      description,
      on: [{ event: 'issue.labeled', label }, { command: 'run' }],
      steps: named(steps, count),
      post_execution: { always: named(after, count) },
    }
  })

const named = (steps: readonly Raw[], count: { steps: number }): Raw[] => {
  const names: string[] = []
  return steps.map((raw) => {
    count.steps += 1
    const needs = ((raw['needs'] as number[] | undefined) ?? []).flatMap((place) => names[place] ?? [])
    const { needs: _, ...rest } = raw
    const inner = (['steps', 'then', 'else'] as const).flatMap((key) =>
      Array.isArray(raw[key]) ? [[key, named(raw[key] as Raw[], count)] as const] : [],
    )
    const name = `s${count.steps}_${raw['type'] === 'parallel' ? 'p' : 'x'}`
    names.push(name)
    return { name, ...rest, ...(needs.length > 0 ? { needs } : {}), ...Object.fromEntries(inner) }
  })
}
