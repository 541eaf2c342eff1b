import { fork } from 'node:child_process'
import { join } from 'node:path'
import type { LoadOrder, LoadReport } from './load-process.ts'

export type Load = { seconds: number; latenciesMs: number[]; perSecond: number }

const longestMs = 60_000

/** Has another process send these deliveries, and throws unless every one of them was accepted. */
export const sendLoad = async (order: LoadOrder): Promise<Load> => {
  const child = fork(join(import.meta.dirname, 'load-process.ts'))
  const timer = setTimeout(() => child.kill('SIGKILL'), longestMs)
  try {
    const report = await new Promise<Extract<LoadReport, { seconds: number }>>((resolve, reject) => {
      child.on('message', (message: LoadReport) => ('ready' in message ? child.send('go') : resolve(message)))
      child.once('exit', (code) => reject(new Error(`The process that sends the load has ended with ${code}.`)))
      child.send(order)
    })
    const accepted = Object.entries(report.statuses).filter(([status]) => status.startsWith('2'))
    const count = accepted.reduce((sum, [, times]) => sum + times, 0)
    if (count !== order.count) throw new Error(`Not all were accepted: ${JSON.stringify(report.statuses)}.`)
    return { ...report, perSecond: order.count / report.seconds }
  } finally {
    clearTimeout(timer)
    child.kill()
  }
}
