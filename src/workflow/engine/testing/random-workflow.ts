import { fc } from '../../../../test/at-random.ts'

/** A step as it stands in a file; names are given when the whole is written. */
type Draft = { kind: string; more: Record<string, unknown>; inner?: Record<string, Draft[]>; graph?: boolean }

const onError = fc.constantFrom(undefined, 'continue', 'retry', 'rollback')
const fields = (more: Record<string, unknown>, strategy: string | undefined) => ({
  ...more,
  ...(strategy !== undefined && { on_error: strategy }),
  ...(strategy === 'retry' && { retry: { count: 1, initial_seconds: 0, jitter: 'none' } }),
})

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
    ),
    onError,
    fc.boolean(),
  )
  .map(([[kind, more], strategy, conditional]) => ({
    kind,
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
  ),
}))

/** Any workflow of the constructs, as the text of its steps (JSON is YAML). It passes the check. */
export const randomWorkflow: fc.Arbitrary<string> = list.map((drafts) => {
  let count = 0
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
      ...Object.fromEntries(lists),
    }
  }
  const listed = (steps: Draft[], graph: boolean): unknown[] => {
    const names: string[] = []
    return steps.map((step, index) => {
      const one = written(step, graph && index > 0 ? [names[index - 1] as string] : [])
      names.push(String(one['name']))
      return one
    })
  }
  return `\n  ${JSON.stringify(listed(drafts, false))}`
})

const inputsOf = (kind: string, name: string): Record<string, unknown> | null => {
  if (kind === 'set') return { [`by_${name}`]: '${task_id}' }
  return kind === 'branch' ? { branch: `${name}-\${loop.index | default(0)}` } : null
}
