import { describe, expect, test } from 'vitest'
import { fc, times } from '../../../test/at-random.ts'
import type { Definition } from './definition.ts'
import { drawMermaid } from './draw-mermaid.ts'
import { drawText } from './draw-text.ts'
import { parseWorkflow } from './parse-workflow.ts'
import { randomWorkflow } from './testing/random-workflow.ts'

const read = (text: string): Definition => {
  const { definition, problems } = parseWorkflow(text, 'w.yaml')
  if (!definition) throw new Error(JSON.stringify(problems))
  return definition
}
const ofSteps = (...steps: string[]): Definition =>
  read(`name: w\nsteps:\n${steps.map((one) => `  - ${one}\n`).join('')}`)

type Flowchart = {
  nodes: Map<string, { text: string; shape: string; group: string }>
  groups: string[]
  edges: [string, string, string][]
}

const node = /^(n\d+)(\[\[|\(\[|\(\(|\{\{|\[|\(|\{)"([^"]*)"(\]\]|\]\)|\)\)|\}\}|\]|\)|\})$/
const closing: Record<string, string> = { '[[': ']]', '([': '])', '((': '))', '{{': '}}', '[': ']', '(': ')', '{': '}' }
const edge = /^(n\d+) (?:-->|-\.->)(?:\|"([^"]*)"\|)? (n\d+)$/
/** What a quoted text of Mermaid's may hold without any of it meaning something. */
const harmless = /^(?:<br\/>|#\d+;|[\p{L}\p{N} _,.])+$/u
const shown = (text: string): string =>
  text.replace(/#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))

/** Reads the part of Mermaid's language that we write, and nothing else. */
const readMermaid = (text: string): Flowchart => {
  const chart: Flowchart = { nodes: new Map(), groups: [], edges: [] }
  const [first, ...lines] = text.split('\n')
  expect(first).toBe('flowchart TD')
  const open: string[] = []
  for (const line of lines.map((one) => one.trim())) {
    const group = /^subgraph (g\d+)\["([^"]*)"\]$/.exec(line)
    const [found, link] = [node.exec(line), edge.exec(line)]
    if (group) {
      expect(group[2]).toMatch(harmless)
      chart.groups.push(shown(group[2] ?? ''))
      open.push(group[1]!)
    } else if (line === 'end') expect(open.pop()).toBeDefined()
    else if (found) {
      const [, id = '', bracket = '', label = '', close] = found
      expect(close).toBe(closing[bracket])
      expect(label).toMatch(harmless)
      expect(chart.nodes.has(id)).toBe(false)
      chart.nodes.set(id, { text: shown(label), shape: bracket, group: open.at(-1) ?? '' })
    } else if (link) {
      const [, from = '', label = '', to = ''] = link
      if (label !== '') expect(label).toMatch(harmless)
      expect(chart.nodes.has(from) && chart.nodes.has(to), line).toBe(true)
      chart.edges.push([from, shown(label), to])
    } else expect.unreachable(`not understood: ${line}`)
  }
  expect(open).toEqual([])
  return chart
}

const chartOf = (definition: Definition) => {
  const chart = readMermaid(drawMermaid(definition))
  const nameOf = (id: string): string => chart.nodes.get(id)?.text.split('<br/>')[0] ?? ''
  return {
    ...chart,
    edges: chart.edges.map(([from, label, to]) => `${nameOf(from)} -${label}-> ${nameOf(to)}`),
    shapeOf: (name: string) => [...chart.nodes.values()].find(({ text }) => text.startsWith(name))?.shape,
  }
}

describe('a flowchart', () => {
  test('goes from step to step', () => {
    const { edges } = chartOf(ofSteps('{ name: a, command: x }', '{ name: b, command: x }'))
    expect(edges).toEqual(['w --> a', 'a --> b', 'b --> the end'])
  })

  test('asks a condition once, and goes past the step where it does not hold', () => {
    const { edges } = chartOf(ofSteps('{ name: a, command: x, condition: "${task.epic}" }', '{ name: b, command: x }'))
    expect(edges).toEqual(['w --> task.epic', 'task.epic -yes-> a', 'a --> b', 'task.epic -no-> b', 'b --> the end'])
  })

  test('has a subgraph for each construct that holds steps', () => {
    const inner = '[ { name: a, command: x }, { name: b, command: x } ]'
    const definition = ofSteps(
      `{ name: p, type: parallel, steps: ${inner} }`,
      '{ name: l, for_each: "${task.labels}", max_iterations: 3, steps: [ { name: c, command: x } ] }',
      '{ name: choose, condition: "${task.epic}", then: [ { name: d, command: x } ], else: [ { name: e, command: x } ] }',
    )
    const { groups, edges } = chartOf(definition)
    expect(groups.map((text) => text.split('<br/>')[0])).toEqual(['p', 'l', 'choose: then', 'choose: else'])
    expect(edges).toEqual(
      expect.arrayContaining(['w --> a', 'w --> b', 'choose -then-> d', 'choose -else-> e', 'e --> the end']),
    )
    expect(edges).toEqual(expect.arrayContaining(['  -item-> c', 'c -next->  ', '  -no more-> choose']))
  })

  test('draws needs as edges', () => {
    const { edges } = chartOf(
      ofSteps('{ name: c, command: x, needs: [a, b] }', '{ name: a, command: x }', '{ name: b, command: x }'),
    )
    expect(edges).toEqual(['w --> a', 'w --> b', 'a --> c', 'b --> c', 'c --> the end'])
  })

  test('shows approvals as hexagons, and what a step does when it fails', () => {
    const { nodes, shapeOf } = chartOf(
      ofSteps(
        '{ name: ask, type: approval, shows: "${task}", on_error: continue }',
        '{ name: a, command: x, on_error: retry }',
      ),
    )
    expect(shapeOf('ask')).toBe('{{')
    expect([...nodes.values()].map(({ text }) => text).join()).toMatch(/on error: continue.*retry 3×/)
  })

  test('goes into the workflows that it is given, and names the others', () => {
    const used = ofSteps('{ name: inside, command: x }')
    const definition = { ...ofSteps('{ name: u, uses: used }', '{ name: v, uses: other }'), name: 'top' }
    const { nodes, groups } = readMermaid(drawMermaid(definition, (name) => (name === 'used' ? used : null)))
    expect([...nodes.values()].find(({ text }) => text.startsWith('inside'))).toBeDefined()
    expect(groups).toEqual(['u<br/>uses used'])
    expect([...nodes.values()].find(({ text }) => text === 'v<br/>uses other')?.shape).toBe('[[')
  })

  test('has edges in proportion to its steps', () => {
    const steps = Array.from({ length: 200 }, (_, at) => `{ name: s${at}, command: x, condition: "\${task.id}" }`)
    expect(chartOf(ofSteps(...steps)).edges.length).toBeLessThan(200 * 6)
  })

  test('whatever is in a workflow, nothing of it is read as Mermaid, and every step is there', () => {
    fc.assert(
      fc.property(randomWorkflow, (raw) => {
        const { definition } = parseWorkflow(JSON.stringify(raw), 'w.yaml')
        fc.pre(definition !== null)
        const { nodes, groups, edges } = readMermaid(drawMermaid(definition!))
        const all = [...[...nodes.values()].map(({ text }) => text), ...groups]
        for (const name of JSON.stringify(raw).match(/(?<="name":")s\d+_[xp]/g) ?? []) {
          expect(
            all.some((text) => text.split(/<br\/>|:/)[0] === name),
            name,
          ).toBe(true)
        }
        const reached = new Set(edges.map(([, , to]) => to))
        expect([...nodes.keys()].filter((id) => !reached.has(id))).toHaveLength(1)
      }),
      { numRuns: times(200) },
    )
  })
})

describe('a tree', () => {
  test('shows what stands in what, and how it ends', () => {
    const definition = ofSteps(
      '{ name: p, type: parallel, steps: [ { name: a, command: x }, { name: b, command: y, timeout: 9 } ] }',
      '{ name: c, condition: "${task.epic}", then: [ { name: d, command: z, on_error: continue } ] }',
    )
    expect(drawText(definition).split('\n')).toEqual([
      'w',
      '├─ p  side by side, 4 at once',
      '│  ├─ a  run x',
      '│  └─ b  run y · at most 9s',
      '└─ c  if task.epic',
      '   └─ then',
      '      └─ d  run z · on error: continue',
    ])
  })

  test('says what is asked by its keys, times as people say them, and nothing twice', () => {
    const shows = '{ plan: "${task.title}", files: [1] }'
    const definition = ofSteps(
      `{ name: ask, type: approval, shows: ${shows}, approvers: ["role:write"], timeout: 14400, on_timeout: reject }`,
      '{ name: pause, type: wait, seconds: 90 }',
      '{ name: cleanup, action: cleanup }',
    )
    expect(drawText(definition).split('\n').slice(1)).toEqual([
      '├─ ask  approval by role:write, shows plan, files · at most 4h 0m, then reject',
      '├─ pause  wait 1m 30s',
      '└─ cleanup',
    ])
  })

  test('a terminal gets no control characters, and a line for each step', () => {
    fc.assert(
      fc.property(randomWorkflow, (raw) => {
        const { definition } = parseWorkflow(JSON.stringify(raw), 'w.yaml')
        fc.pre(definition !== null)
        const tree = drawText(definition!)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
        expect(tree.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
        for (const line of tree.split('\n').slice(1)) expect(line).toMatch(/^[│ ]*[├└]─ /)
      }),
      { numRuns: times(100) },
    )
  })
})
