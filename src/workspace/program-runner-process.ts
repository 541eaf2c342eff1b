import { failureOf } from '../domain/errors.ts'
import { runBoundedProcess } from './bounded-process.ts'
import type { RunnerAnswer, RunnerOrder } from './program-runner.ts'

/**
 * The small process from which programs of the host are started, with nothing in it but this. It ends what it has started
 * when the worker goes away, however that happens, and then itself.
 */
const running = new Map<number, AbortController>()

const answer = (message: RunnerAnswer): void => {
  if (process.connected) process.send?.(message, undefined, {}, () => {})
}

const run = async ({ id, request }: Extract<RunnerOrder, { request: unknown }>): Promise<void> => {
  const controller = new AbortController()
  running.set(id, controller)
  try {
    answer({ id, result: await runBoundedProcess({ ...request, signal: controller.signal }) })
  } catch (error) {
    answer({ id, failure: failureOf(error) })
  } finally {
    running.delete(id)
  }
}

process.on('message', (order: RunnerOrder) => {
  if ('request' in order) void run(order)
  else running.get(order.stop)?.abort()
})
process.on('disconnect', () => {
  for (const controller of running.values()) controller.abort()
})
