import { fc } from '../../../../test/at-random.ts'

/** A step as it stands in a file; names are given when the whole is written. */
type Draft = { kind: string; more: Record<string, unknown>; inner?: Draft[]; isGraph?: boolean; needs?: number[] }

/**
 * What a comment says decides what becomes of it: `bad` never succeeds, `once` fails the first time. What is to be compared
 * between two plays of one workflow is nothing that the first failure of a group ends: that is what `fail_fast` is for.
 */
const told = { plugin: 'task_management', action: 'add_comment' }
const again = { on_error: 'retry', retry: { count: 6, initial_seconds: 0, jitter: 'none' } }

const leaf: fc.Arbitrary<Draft> = fc
  .tuple(
    fc.constantFrom<[string, Record<string, unknown>]>(
      ['set', { action: 'set' }],
      ['share', { action: 'set' }],
      ['look', told],
      ['look', told],
      ['use_late', told],
      ['use_late', { action: 'set' }],
      ['bad', { ...told, on_error: 'continue' }],
      ['once', { ...told, ...again }],
      ['wait', { type: 'wait', seconds: 100 }],
    ),
    fc.constantFrom(
      null,
      null,
      null,
      '${shared is defined}',
      "${late_shared == '-'}",
      "${steps.look_2.status == 'done'}",
    ),
    fc.array(fc.nat(3), { maxLength: 2 }),
  )
  .map(([[kind, more], condition, needs]) => ({ kind, needs, more: { ...more, ...(condition && { condition }) } }))

/** How a group may end: well, with a failure that is gone on from, or well when it is tried again. */
const endings: [Record<string, unknown>, Draft[]][] = [
  [{}, []],
  [{ on_error: 'continue' }, [{ kind: 'bad', more: told }]],
  [again, [{ kind: 'once', more: told }]],
]

const steps: fc.Arbitrary<Draft[]> = fc.letrec<{ step: Draft; list: Draft[] }>((tie) => ({
  list: fc.array(tie('step'), { minLength: 1, maxLength: 4 }),
  step: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { arbitrary: leaf, weight: 4 },
    {
      arbitrary: fc.tuple(tie('list'), fc.integer({ min: 2, max: 4 }), fc.constantFrom(...endings)).map(
        ([inner, most, [strategy, more]]): Draft => ({
          kind: 'parallel',
          more: { type: 'parallel', fail_fast: false, max_concurrency: most, ...strategy },
          inner: [...inner, ...more],
        }),
      ),
      weight: 3,
    },
    {
      arbitrary: fc.tuple(tie('list'), fc.integer({ min: 1, max: 3 })).map(
        ([inner, most]): Draft => ({
          kind: 'loop',
          more: { for_each: '${range(1, 4)}', max_iterations: 3, max_concurrency: most },
          inner,
        }),
      ),
      weight: 2,
    },
    {
      arbitrary: tie('list').map(
        (inner): Draft => ({ kind: 'graph', more: { for_each: [1], max_iterations: 1 }, inner, isGraph: true }),
      ),
      weight: 2,
    },
    {
      arbitrary: tie('list').map(
        (inner): Draft => ({ kind: 'choose', more: { condition: "${late_shared != 'x'}" }, inner }),
      ),
      weight: 2,
    },
    { arbitrary: tie('list').map((inner): Draft => ({ kind: 'use', more: { type: 'workflow' }, inner })), weight: 1 },
  ),
})).list

const variables = {
  late_shared: "${shared | default('-')}",
  late_steps:
    "${steps.set_1.status | default('-')}${steps.look_2.status | default('-')}${steps.set_3.status | default('-')}",
  late_item: "${item | default('-')}${by_set_3 | default('-')}",
  late_all: '${late_shared}/${late_item}/${late_steps}',
}

/** A workflow in which it must not matter which of its branches is the quicker one, with those that it uses. */
export type RandomBranches = { steps: string; rest: string; uses: Record<string, string> }

export const randomBranches: fc.Arbitrary<RandomBranches> = steps.map((drafts) => {
  const names: string[] = []
  const uses: Record<string, unknown> = {}
  const listed = (list: Draft[], isGraph: boolean): unknown[] => {
    const own: string[] = []
    return list.map((draft, index) => {
      const name = `${draft.kind}_${names.length + 1}`
      names.push(name)
      const needs = isGraph ? (draft.needs ?? [0]).flatMap((back) => own[index - 1 - back] ?? []) : []
      own.push(name)
      const inner = draft.inner && listed(draft.inner, draft.isGraph === true)
      const common = {
        name,
        ...draft.more,
        ...inputsOf(draft, name),
        ...(needs.length > 0 && { needs: [...new Set(needs)] }),
      }
      if (!inner) return common
      if (draft.kind !== 'use') return { ...common, [draft.kind === 'choose' ? 'then' : 'steps']: inner }
      uses[name] = { name, description: 'd', version: '1.0.0', variables, steps: inner }
      return { ...common, uses: name }
    })
  }
  const all = listed([...drafts, { kind: 'look', more: told }], false)
  const seen = [
    ...names.filter((name) => name.startsWith('set_')).map((name) => `\${by_${name} | default('-')}`),
    ...names.map((name) => `\${steps.${name}.status | default('-')}`),
    "${shared | default('-')}",
  ].join(' ')
  const text = (value: unknown): string => JSON.stringify(value).replaceAll('SEEN', seen)
  return {
    steps: `\n  ${text(all)}`,
    rest: `variables: ${JSON.stringify(variables)}\npost_execution: { always: [ { name: last_look, action: set, inputs: { saw: "${seen}" } } ] }\n`,
    uses: Object.fromEntries(Object.entries(uses).map(([name, used]) => [name, text(used)])),
  }
})

const inputsOf = ({ kind, more }: Draft, name: string): { inputs?: Record<string, string> } => {
  if (kind === 'set') return { inputs: { [`by_${name}`]: "${item | default('-')}" } }
  if (kind === 'share') return { inputs: { shared: `${name} \${loop.index | default('-')}` } }
  if (kind === 'use_late') return { inputs: { [more['action'] === 'set' ? `by_${name}` : 'comment']: '${late_all}' } }
  return kind === 'look' || kind === 'bad' || kind === 'once' ? { inputs: { comment: `${kind} SEEN` } } : {}
}
