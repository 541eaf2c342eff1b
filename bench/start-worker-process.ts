import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench, Place } from './open-bench.ts'
import type { RestingMemory, WorkerFacts, WorkerOrder } from './worker-process.ts'

export type WorkerProcess = {
  query: <Row>(text: string, values?: unknown[]) => Promise<Row[]>
  /** Runs that are acknowledged and wait; enqueued in the same transaction, if so wanted. */
  insert: (source: string, count: number, options?: { enqueued: boolean }) => Promise<string[]>
  /** A person's yes and the run's job, in one transaction. */
  approve: (runId: string, address: string) => Promise<void>
  facts: () => Promise<WorkerFacts>
  rest: () => Promise<RestingMemory>
  kill: () => Promise<void>
}

/** A worker on that database, ready for work. Killed with the measurement. */
export const startWorkerProcess = async (bench: Bench, place: Place): Promise<WorkerProcess> => {
  const child = fork(join(import.meta.dirname, 'worker-process.ts'), [JSON.stringify(place)])
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  const gone = once(child, 'exit')
  const kill = async () => {
    child.kill('SIGKILL')
    await gone
  }
  bench.after(kill)
  child.on('message', ({ id, answer, error }: { id: number; answer?: unknown; error?: string }) => {
    if (error === undefined) waiting.get(id)?.resolve(answer)
    else waiting.get(id)?.reject(new Error(error))
    waiting.delete(id)
  })
  void gone.then(() => {
    for (const { reject } of waiting.values()) reject(new Error('The worker process has ended.'))
  })
  const answerTo = (id: number): Promise<unknown> => {
    const asked = Promise.withResolvers<unknown>()
    waiting.set(id, asked)
    return asked.promise
  }
  let ids = 0
  const ask = (order: WorkerOrder): Promise<unknown> => {
    ids += 1
    const answer = answerTo(ids)
    child.send({ id: ids, order })
    return answer
  }
  await answerTo(0)
  return {
    query: async <Row>(text: string, values: unknown[] = []) => (await ask({ do: 'query', text, values })) as Row[],
    insert: async (source, count, { enqueued } = { enqueued: true }) =>
      (await ask({ do: 'insert', source, count, enqueued })) as string[],
    approve: async (runId, address) => {
      await ask({ do: 'approve', runId, address })
    },
    facts: async () => (await ask({ do: 'facts' })) as WorkerFacts,
    rest: async () => (await ask({ do: 'rest' })) as RestingMemory,
    kill,
  }
}

const longestMs = 120_000

/** Waits until so many runs have ended, looking rarely; throws where one has not ended as it should. */
export const untilEnded = async (worker: WorkerProcess, count: number): Promise<void> => {
  const latestMs = performance.now() + longestMs
  while (performance.now() < latestMs) {
    const [found] = await worker.query<{ done: number; failed: number }>(
      `select count(*) filter (where state = 'done') as done, count(*) filter (where state = 'failed') as failed
       from workflow_executions`,
    )
    if ((found?.failed ?? 0) > 0) throw new Error(`${found?.failed} runs have failed.`)
    if ((found?.done ?? 0) >= count) return
    await sleep(50)
  }
  throw new Error(`${count} runs did not end in time.`)
}
