import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'

/** What a figure means nothing without. The load is what the machine was busy with before we began. */
export const machineFacts = () => ({
  cores: availableParallelism(),
  processor: cpus()[0]?.model ?? 'unknown',
  memoryMb: Math.round(totalmem() / 1024 / 1024),
  loadBefore: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  node: process.versions.node,
  platform: `${process.platform} ${process.arch}`,
  date: new Date().toISOString(),
})

export type MachineFacts = ReturnType<typeof machineFacts>
