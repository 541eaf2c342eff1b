import { z } from 'zod'
import { JourneymanError } from '../domain/errors.ts'
import { isLive } from '../domain/run.ts'
import { getDefinition } from '../store/definitions.ts'
import { loadSteps } from '../store/steps.ts'
import { parsePinned } from '../workflow/language/load-workflows.ts'
import { type Difference, replayRun as replay } from '../workflow/replay/replay-run.ts'
import { verb } from './contract.ts'
import { findRun } from './find-run.ts'

export type { Difference }

/** `changed`: the present definition is another text than the one that the run is pinned to; null where it is there no more. */
export type Replayed = {
  run: string
  workflow: string
  definition: 'pinned' | 'present'
  changed: boolean | null
  steps: number
  differences: Difference[]
}

/**
 * Goes through a run that has ended again, offline, from its journal: nothing is done and nothing is written. By the
 * definition that it ran with it must come out the same; by the present one it shows where a new run would go another way.
 */
export const replayRun = verb({
  input: z.strictObject({ run: z.string(), pinned: z.boolean().optional() }),
  reads: true,
  ask: async ({ database, workflows }, input): Promise<Replayed> => {
    const run = await findRun(database.db, input.run)
    if (isLive(run.state)) {
      throw new JourneymanError(
        'conflict',
        `The run ${run.id} has not ended (${run.state}): there is no whole to replay.`,
        {
          nextAction: `Wait for its end, or say "journeyman stop ${run.id}".`,
        },
      )
    }
    const pinned = await getDefinition(database.db, run.definitionHash)
    const present = input.pinned ? undefined : (await workflows()).find((one) => one.definition.name === run.workflow)
    if (!input.pinned && !present) {
      throw new JourneymanError('not_found', `There is no workflow ${run.workflow} any more.`, {
        nextAction: 'Give --pinned to replay the run by the definition that it ran with.',
      })
    }
    const { source, prompts } = present ?? pinned
    const definition = parsePinned(source, prompts)
    const { steps, differences } = await replay({
      run,
      rows: await loadSteps(database.db, run.id),
      definition,
      prompts,
    })
    return {
      run: run.id,
      workflow: run.workflow,
      definition: present ? 'present' : 'pinned',
      changed: present ? present.hash !== run.definitionHash : null,
      steps,
      differences,
    }
  },
})
