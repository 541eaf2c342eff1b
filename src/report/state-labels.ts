import type { Run } from '../domain/run.ts'

const all = ['ai', 'ai:working', 'ai:review', 'ai:failed'] as const

/** `ai` -> `ai:working` -> `ai:review` or `ai:failed`. The first goes too, so that putting it on again asks again. */
export const stateLabels = (run: Run): { add: string[]; remove: string[] } => {
  const label = labelOf(run)
  return { add: label === null ? [] : [label], remove: all.filter((one) => one !== label) }
}

const labelOf = (run: Run): string | null => {
  if (run.state === 'done') return run.links.change ? 'ai:review' : null
  if (run.state === 'failed' || run.state === 'stopped') return 'ai:failed'
  return run.state === 'refused' ? null : 'ai:working'
}
