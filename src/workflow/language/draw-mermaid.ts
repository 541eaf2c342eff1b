import type { Definition, Step } from './definition.ts'
import { conditionWords, type FindUsed, line, triggerWords, wordsOf } from './graph-words.ts'
import { type Drawing, type End, newDrawing } from './mermaid-drawing.ts'

/**
 * A workflow as a Mermaid flowchart. Steps that hold others are subgraphs; conditions stand on edges, approvals are
 * hexagons. Every name in it is made up here and every text is quoted and escaped: nothing of the file is read as Mermaid.
 */
export const drawMermaid = (definition: Definition, find: FindUsed = () => null): string => {
  const drawing = newDrawing()
  const seen = new Set([definition.name])
  const pen: Pen = { drawing, find, seen }
  const triggers = definition.on.map(triggerWords)
  let ends: End[] = [{ id: drawing.node('round', [definition.name, ...triggers]), label: null }]
  if (definition.prerequisites.length > 0) {
    const conditions = definition.prerequisites.map(({ condition }) => conditionWords(condition))
    ends = [{ id: arrive(pen, ends, 'diamond', ['prerequisites', ...conditions]), label: 'hold' }]
  }
  ends = drawList(definition.steps, ends, pen)
  const criteria = definition.successCriteria.map(({ condition }) => conditionWords(condition))
  const end = arrive(pen, ends, 'round', ['the end', ...criteria])
  const { onSuccess, onFailure, always } = definition.postExecution
  const after: [string, Step[]][] = [
    ['on success', onSuccess],
    ['on failure', onFailure],
    ['always', always],
  ]
  for (const [name, steps] of after) {
    if (steps.length > 0) drawing.group([name], () => drawList(steps, [{ id: end, label: name }], pen))
  }
  return drawing.text()
}

type Pen = { drawing: Drawing; find: FindUsed; seen: ReadonlySet<string> }

/** So many edges may come together at one step; more are gathered first, or a long list would have edges without number. */
const mostEnds = 4

const arrive = (pen: Pen, from: readonly End[], shape: Parameters<Drawing['node']>[0], text: string[]): string => {
  const id = pen.drawing.node(shape, text)
  for (const end of from) pen.drawing.edge(end, id)
  return id
}

const gathered = (pen: Pen, ends: End[]): End[] =>
  ends.length <= mostEnds ? ends : [{ id: arrive(pen, ends, 'point', []), label: null }]

const drawList = (steps: readonly Step[], from: End[], pen: Pen): End[] => {
  if (steps.some(({ needs }) => needs.length > 0)) return drawGraph(steps, from, pen)
  return steps.reduce((ends, step) => drawStep(step, ends, pen), from)
}

const drawGraph = (steps: readonly Step[], from: End[], pen: Pen): End[] => {
  const ends = new Map<string, End[]>()
  const open = new Map(steps.map((step) => [step.name, step]))
  const draw = (step: Step): void => {
    if (!open.delete(step.name)) return
    for (const need of step.needs) if (open.has(need)) draw(open.get(need)!)
    const needed = step.needs.flatMap((need) => ends.get(need) ?? [])
    ends.set(step.name, drawStep(step, needed.length > 0 ? needed : from, pen))
  }
  for (const step of steps) draw(step)
  const needed = new Set(steps.flatMap(({ needs }) => needs))
  return gathered(
    pen,
    steps.filter(({ name }) => !needed.has(name)).flatMap(({ name }) => ends.get(name) ?? []),
  )
}

const drawStep = (step: Step, from: End[], pen: Pen): End[] => {
  if (step.condition === null) return gathered(pen, drawBody(step, gathered(pen, from), pen))
  // Asked once: whoever goes past the step leaves from the same place as whoever goes in.
  const ask = arrive(pen, gathered(pen, from), 'diamond', [conditionWords(step.condition)])
  return gathered(pen, [...drawBody(step, [{ id: ask, label: 'yes' }], pen), { id: ask, label: 'no' }])
}

const drawBody = (step: Step, from: End[], pen: Pen): End[] => {
  switch (step.type) {
    case 'conditional':
      return drawConditional(step, from, pen)
    case 'parallel':
      return drawGroup(step, pen, () => step.steps.flatMap((inner) => drawStep(inner, from, pen)), from)
    case 'loop':
      return drawGroup(step, pen, () => drawLoop(step, from, pen), from)
    case 'workflow':
      return drawUsed(step, from, pen)
    default:
      return [{ id: arrive(pen, from, shapes[step.type], labelOf(step)), label: null }]
  }
}

const shapes = {
  plugin: 'box',
  ai_action: 'stadium',
  run: 'box',
  approval: 'hexagon',
  wait: 'hexagon',
  system: 'box',
} as const

const labelOf = (step: Step): string[] => {
  const { title, does, marks } = wordsOf(step)
  return [title, ...(does === '' ? [] : [does]), ...marks]
}

/** What has nothing in it is a box of its own: an empty subgraph has no edges. */
const drawGroup = (step: Step & { steps: Step[] }, pen: Pen, draw: () => End[], from: End[]): End[] => {
  if (step.steps.length === 0) return [{ id: arrive(pen, from, 'box', labelOf(step)), label: null }]
  return pen.drawing.group(labelOf(step), draw)
}

const drawLoop = (step: Step & { type: 'loop' }, from: End[], pen: Pen): End[] => {
  const top = arrive(pen, from, 'point', [])
  const ends = drawList(step.steps, [{ id: top, label: line(step.as) }], pen)
  for (const end of ends) pen.drawing.edge({ ...end, label: end.label ?? 'next' }, top, 'dotted')
  return [{ id: top, label: 'no more' }]
}

const drawConditional = (step: Step & { type: 'conditional' }, from: End[], pen: Pen): End[] => {
  const ask = arrive(pen, from, 'diamond', labelOf(step))
  const branch = (name: string, steps: Step[]): End[] => {
    const start = [{ id: ask, label: name }]
    return steps.length === 0 ? start : pen.drawing.group([`${step.name}: ${name}`], () => drawList(steps, start, pen))
  }
  return [...branch('then', step.then), ...branch('else', step.else)]
}

const drawUsed = (step: Step & { type: 'workflow' }, from: End[], pen: Pen): End[] => {
  const used = pen.seen.has(step.uses) ? null : pen.find(step.uses)
  if (!used) return [{ id: arrive(pen, from, 'subroutine', labelOf(step)), label: null }]
  const seen = new Set([...pen.seen, used.name])
  return pen.drawing.group(labelOf(step), () => drawList(used.steps, from, { ...pen, seen }))
}
