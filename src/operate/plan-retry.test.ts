import { expect, it } from 'vitest'
import type { EndedStep } from '../store/reopen-run.ts'
import { planRetry } from './plan-retry.ts'

/** `address state [finish order]`, in the order in which they were begun; `cut` is what failed for something around it. */
const stepsOf = (...lines: string[]): EndedStep[] =>
  lines.map((line, ordinal) => {
    const [address = '', state = 'done', order] = line.split(' ')
    const name = (/([^/]*)$/.exec(address)?.[1] ?? '').replace(/[[:].*$/, '')
    const kind = name.startsWith('sub') ? 'workflow' : 'run'
    return {
      address,
      name,
      kind,
      state: (state === 'cancelled' ? 'skipped' : state === 'cut' ? 'failed' : state) as EndedStep['state'],
      ordinal,
      finishOrder: order === undefined ? null : Number(order),
      cancelled: state === 'cancelled',
      cut: state === 'cut',
    }
  })
const plan = (steps: EndedStep[], from: string | null = null, goneOnFrom: string[] = []) => {
  const { tryAgain, forget } = planRetry(steps, { from, goneOnFrom: new Set(goneOnFrom) })
  return { again: tryAgain, forget: forget.toSorted() }
}

it('tries what failed again, lets begin what was not begun because of it, and leaves the rest', () => {
  const steps = stepsOf(
    '@start done 1',
    'one done 2',
    'lint failed',
    'never skipped',
    'group failed',
    'group/a done 3',
    'group/b failed',
    'group/c cancelled',
    '@on_failure/tell done 4',
    '@always/cleanup done 5',
  )
  expect(plan(steps, null, ['lint'])).toEqual({
    again: ['group', 'group/b'],
    forget: ['@always/cleanup', '@on_failure/tell', 'group/c'],
  })
})

it('takes what was under way when the run ended for failed, and reads the ticket again where that was what failed', () => {
  expect(plan(stepsOf('@start failed'))).toEqual({ again: [], forget: ['@start'] })
  expect(plan(stepsOf('@start done 1', 'one running'))).toEqual({ again: ['one'], forget: [] })
})

it('leaves what failed inside something that was done all the same', () => {
  expect(plan(stepsOf('group done 2', 'group/a failed', 'each done 4', 'each[0]/x failed', 'last failed'))).toEqual({
    again: ['last'],
    forget: [],
  })
})

it('leaves what the run went on from, with all that is in it, but not what was cut short', () => {
  const steps = stepsOf('group failed', 'group/a failed', 'group/b cut', 'wait cut', 'wait2 cut', 'last failed')
  expect(plan(steps, null, ['group', 'wait'])).toEqual({ again: ['wait', 'wait2', 'last'], forget: [] })
})

it('does the whole again of what holds something that was begun after the step on which it goes back to', () => {
  const steps = stepsOf(
    'group failed',
    'group/each done 3',
    'group/early done 1',
    'group/bad failed',
    'group/each[0]/x done 2',
  )
  expect(plan(steps, 'bad')).toEqual({
    again: ['group'],
    forget: ['group/bad', 'group/each', 'group/each[0]/x'],
  })
})

it('lets the end of a workflow within the run come again with its end', () => {
  const steps = stepsOf('sub failed', 'sub/x failed', 'sub/@on_failure/tell done 1', 'other failed', 'other/y failed')
  expect(plan(steps)).toEqual({ again: ['sub', 'sub/x', 'other', 'other/y'], forget: ['sub/@on_failure/tell'] })
})

it('goes back to a step, and keeps nothing that was begun or finished after it', () => {
  const steps = stepsOf('@start done 1', 'one done 2', 'two done 3', 'three done 4', 'four failed', '@always/x done 5')
  expect(plan(steps, 'two')).toEqual({ again: [], forget: ['@always/x', 'four', 'three', 'two'] })
  expect(plan(steps, 'four')).toEqual({ again: [], forget: ['@always/x', 'four'] })
})

it('goes back into a loop and into a group, which go on with what they had', () => {
  const loop = stepsOf(
    'each done 5',
    'each[0]/x done 1',
    'each[0]/y done 2',
    'each[1]/x done 3',
    'each[1]/y done 4',
    'end failed',
  )
  expect(plan(loop, 'each[1]/x')).toEqual({ again: ['each'], forget: ['each[1]/x', 'each[1]/y', 'end'] })
  // `slow` was begun before `quick` was, and was done after it: what it wrote may rest on it.
  const group = stepsOf('group done 5', 'group/slow done 4', 'group/slow/in done 1', 'group/quick done 3', 'end failed')
  expect(plan(group, 'quick')).toEqual({
    again: ['group'],
    forget: ['end', 'group/quick', 'group/slow', 'group/slow/in'],
  })
})

it('says which steps there are when it is told of none, or of several', () => {
  const steps = stepsOf('@start done 1', 'each failed', 'each[0]/x done 2', 'each[1]/x failed')
  expect(() => plan(steps, 'y')).toThrow(
    expect.objectContaining({ code: 'not_found', nextAction: expect.stringContaining('each[1]/x') }),
  )
  expect(() => plan(steps, 'x')).toThrow(
    expect.objectContaining({ code: 'invalid_input', nextAction: expect.stringContaining('each[0]/x, each[1]/x') }),
  )
  expect(() => plan(steps, '@start')).toThrow(expect.objectContaining({ code: 'not_found' }))
})
