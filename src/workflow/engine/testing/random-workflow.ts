import { fc } from '../../../../test/at-random.ts'

/** A step as it stands in a file; names are given when the whole is written. */
type Draft = {
  kind: string
  more: Record<string, unknown>
  inner?: Record<string, Draft[]>
  graph?: boolean
  /** In a graph: so many of those before it are needed, and which. */
  needs?: number[]
}

const onError = fc.constantFrom(undefined, 'continue', 'retry', 'rollback')
const fields = (more: Record<string, unknown>, strategy: string | undefined) => ({
  ...more,
  ...(strategy !== undefined && { on_error: strategy }),
  ...(strategy === 'retry' && { retry: { count: 1, initial_seconds: 0, jitter: 'none' } }),
})

/** What any step of a small workflow may have set: it must not matter which worker looks, or how often it was tried. */
const whatIsSet = Array.from({ length: 12 }, (_, at) => `\${by_set_${at + 1} | default('-')}`).join(' ')

const leaf: fc.Arbitrary<Draft> = fc
  .tuple(
    fc.constantFrom<[string, Record<string, unknown>]>(
      ['set', { type: 'system', action: 'set' }],
      ['log', { action: 'log', inputs: { message: 'hello' } }],
      ['write', { command: 'tally' }],
      ['flaky', { command: 'sometimes' }],
      ['bad', { command: 'fail' }],
      ['comment', { plugin: 'task_management', action: 'add_comment', inputs: { comment: 'A word.' } }],
      ['branch', { plugin: 'version_control', action: 'create_branch' }],
      ['wait', { type: 'wait', seconds: 100 }],
      ['approval', { type: 'approval', shows: 'it', timeout: 1_000 }],
      ['event', { type: 'wait', event: 'checks.completed', timeout: 300 }],
      ['look', { plugin: 'task_management', action: 'add_comment', inputs: { comment: whatIsSet } }],
    ),
    onError,
    fc.boolean(),
    fc.array(fc.nat(3), { maxLength: 2 }),
  )
  .map(([[kind, more], strategy, conditional, needs]) => ({
    kind,
    needs,
    more: fields({ ...more, ...(conditional && { condition: '${task_id}' }) }, kind === 'set' ? undefined : strategy),
  }))

const { list } = fc.letrec<{ step: Draft; list: Draft[] }>((tie) => ({
  list: fc.array(tie('step'), { minLength: 1, maxLength: 3 }),
  step: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    { arbitrary: leaf, weight: 5 },
    {
      arbitrary: fc
        .tuple(tie('list'), onError, fc.boolean(), fc.integer({ min: 1, max: 3 }), fc.constantFrom(null, null, 150))
        .map(([steps, strategy, failFast, most, timeout]) => ({
          kind: 'parallel',
          more: fields(
            { type: 'parallel', fail_fast: failFast, max_concurrency: most, ...(timeout && { timeout }) },
            strategy,
          ),
          inner: { steps: steps as Draft[] },
        })),
      weight: 2,
    },
    {
      arbitrary: fc
        .tuple(tie('list'), onError, fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 2 }))
        .map(([steps, strategy, items, most]) => ({
          kind: 'loop',
          more: fields(
            { for_each: Array.from({ length: items }, (_, at) => at), max_iterations: 3, max_concurrency: most },
            strategy,
          ),
          inner: { steps: steps as Draft[] },
        })),
      weight: 2,
    },
    {
      arbitrary: fc.tuple(tie('list'), tie('list'), fc.boolean()).map(([yes, no, way]) => ({
        kind: 'choose',
        more: { condition: String(way) },
        // biome-ignore lint/suspicious/noThenProperty: `then` is the word of the language.
        inner: { then: yes as Draft[], else: no as Draft[] },
      })),
      weight: 1,
    },
    {
      arbitrary: fc.tuple(tie('list'), onError).map(([steps, strategy]) => ({
        kind: 'graph',
        more: fields({ for_each: [1], max_iterations: 1 }, strategy),
        inner: { steps: steps as Draft[] },
        graph: true,
      })),
      weight: 1,
    },
    {
      arbitrary: fc.tuple(tie('list'), fc.array(leaf, { maxLength: 1 }), onError).map(([steps, after, strategy]) => ({
        kind: 'use',
        more: fields({ type: 'workflow' }, strategy),
        inner: { steps: steps as Draft[], after },
      })),
      weight: 1,
    },
  ),
}))

/** A workflow as the text of its steps, and those that it uses. */
export type RandomWorkflow = { steps: string; uses: Record<string, string> }

/** Any workflow of the constructs (JSON is YAML). */
export const randomWorkflow: fc.Arbitrary<RandomWorkflow> = list.map((drafts) => {
  let count = 0
  const uses: Record<string, string> = {}
  const written = (draft: Draft, needs: string[]): Record<string, unknown> => {
    count += 1
    const name = `${draft.kind}_${count}`
    const inputs = inputsOf(draft.kind, name)
    const lists = Object.entries(draft.inner ?? {}).map(([key, inner]) => [key, listed(inner, draft.graph === true)])
    return {
      name,
      ...draft.more,
      ...(inputs && { inputs }),
      ...(needs.length > 0 && { needs }),
      ...(draft.kind === 'use' ? { uses: kept(name, Object.fromEntries(lists)) } : Object.fromEntries(lists)),
    }
  }
  /** Its name, with the definition put on the shelf. */
  const kept = (name: string, { steps, after }: Record<string, unknown>): string => {
    const after_it = { always: after }
    uses[name] = JSON.stringify({ name, description: 'd', version: '1.0.0', steps, post_execution: after_it })
    return name
  }
  const listed = (steps: Draft[], graph: boolean): unknown[] => {
    const names: string[] = []
    return steps.map((step, index) => {
      // What is no leaf needs the one before it; a list with a need is a graph.
      const places = (step.needs ?? [0]).map((back) => index - 1 - back)
      const needs = graph ? [...new Set(places)].flatMap((place) => names[place] ?? []) : []
      const one = written(step, needs)
      names.push(String(one['name']))
      return one
    })
  }
  return { steps: `\n  ${JSON.stringify(listed(drafts, false))}`, uses }
})

const inputsOf = (kind: string, name: string): Record<string, unknown> | null => {
  if (kind === 'set') return { [`by_${name}`]: '${task_id}' }
  return kind === 'branch' ? { branch: `${name}-\${loop.index | default(0)}` } : null
}
