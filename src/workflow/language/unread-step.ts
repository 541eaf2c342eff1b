import type { Position, Step } from './definition.ts'

/** No step can bear it: so is called what has no name that can be read. */
export const noName = '?'

/** Stands where a step, or a list of them, cannot be read at all. The gap at its place says that it may be anything. */
export const unreadStep = (position: Position): Step => ({
  type: 'system',
  name: noName,
  action: ' ',
  inputs: {},
  description: null,
  condition: null,
  onError: 'fail',
  retry: { count: 0, backoff: 'exponential', initialSeconds: 2, maxSeconds: 60, jitter: 'full' },
  timeoutSeconds: null,
  needs: [],
  outputs: {},
  position,
})
