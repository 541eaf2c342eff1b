import { JourneymanError } from '../../domain/errors.ts'

/**
 * What one evaluation may use up. Time is bounded by steps and size by characters, never by a clock: the same expression
 * over the same data ends the same way on every machine, which a replay relies on.
 */
export type Meter = {
  /** One unit of work: a node visited, an element looked at. */
  step: () => void
  /** Characters (or their like) that are about to be made. Called before they are. */
  grow: (characters: number) => void
}

export type MeterLimits = { steps: number; characters: number }

export const expressionLimits: MeterLimits = { steps: 100_000, characters: 4_000_000 }

/** Values nested deeper than this are refused: recursion over data must end before the stack does. */
export const maxDepth = 100

export const newMeter = (limits: MeterLimits = expressionLimits): Meter => {
  let steps = 0
  let characters = 0
  return {
    step: () => {
      steps += 1
      if (steps > limits.steps) throw tooMuch(`takes more than ${limits.steps} steps`)
    },
    grow: (more) => {
      characters += more
      // Written so that NaN is refused too.
      if (!(characters <= limits.characters)) throw tooMuch(`makes more than ${limits.characters} characters`)
    },
  }
}

export const tooDeep = (): JourneymanError => tooMuch(`is nested deeper than ${maxDepth} levels`)

const tooMuch = (what: string): JourneymanError =>
  new JourneymanError('limit_reached', `The expression ${what}, which is its limit.`, {
    nextAction: 'Make the expression smaller, or compute the value in a step.',
  })
