import type { RunState } from '../domain/run.ts'
import type { StepNode } from '../operate/step-tree.ts'
import type { Format, Style } from './screen.ts'

const formats: Record<RunState, Format> = {
  queued: 'dim',
  running: 'cyan',
  parked: 'yellow',
  done: 'green',
  failed: 'red',
  stopped: 'yellow',
  refused: 'yellow',
}

export const stateStyle = (state: RunState, style: Style): string => style(formats[state], state)

export const stepMarks: Record<StepNode['state'], { mark: string; format: Format }> = {
  done: { mark: '✓', format: 'green' },
  failed: { mark: '✗', format: 'red' },
  skipped: { mark: '·', format: 'dim' },
  running: { mark: '▸', format: 'cyan' },
  pending: { mark: '○', format: 'dim' },
  place: { mark: '•', format: 'dim' },
}
