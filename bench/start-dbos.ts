import { DBOS } from '@dbos-inc/dbos-sdk'

export type DbosUnderBench = {
  /** One workflow of so many steps, from its start to its result. */
  run: (steps: number) => Promise<void>
  close: () => Promise<void>
}

/**
 * DBOS as its guide sets it up: a registered workflow whose steps are `DBOS.runStep`, one launch, its own system database
 * on the server that ours is on. Nothing is exported and nothing logged; it listens to no queue, since none is used.
 */
export const startDbos = async (options: { url: string; poolSize: number }): Promise<DbosUnderBench> => {
  DBOS.setConfig({
    name: 'journeyman-bench',
    systemDatabaseUrl: options.url,
    systemDatabasePoolSize: options.poolSize,
    applicationVersion: 'bench',
    enableOTLP: false,
    tracingEnabled: false,
    logger: silent,
    listenQueues: [],
  })
  const workflow = DBOS.registerWorkflow(countUp, { name: 'count_up' })
  await DBOS.launch()
  return {
    run: async (steps) => {
      const handle = await DBOS.startWorkflow(workflow)(steps)
      const done = await handle.getResult()
      if (done !== steps) throw new Error(`DBOS has done ${done} of ${steps} steps.`)
    },
    close: () => DBOS.shutdown({ deregister: true }),
  }
}

/** The step's result is the small object that our step `set` has. */
const countUp = async (steps: number): Promise<number> => {
  let done = 0
  for (let at = 0; at < steps; at++) {
    const { at: seen } = await DBOS.runStep(async () => ({ at }), { name: `step_${at}` })
    done = seen + 1
  }
  return done
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
