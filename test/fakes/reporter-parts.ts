import type { ReporterParts } from '../../src/report/reporter.ts'
import { createEffectLedger } from '../../src/workflow/effect-ledger.ts'
import type { TestDatabase } from '../databases.ts'
import type { MemoryTasks } from './memory-tasks.ts'
import type { MemoryHost } from './memory-version-control.ts'

/** Telling people over a real database, where the ticket and the code host are in memory and nothing is shown at leisure. */
export const reporterParts = (
  database: TestDatabase,
  { host, tracker }: { host: MemoryHost; tracker: MemoryTasks },
  more: Partial<ReporterParts> = {},
): ReporterParts => ({
  database,
  owner: 'test',
  effects: createEffectLedger(database),
  taskManagement: tracker.plugin,
  versionControl: host.plugin,
  planOf: async () => [],
  costOf: async () => 0,
  runUrl: () => null,
  sandbox: () => ({ usable: true, kind: 'bubblewrap' }),
  withhold: (text) => text,
  everySeconds: () => 0,
  leaseSeconds: () => 5,
  log: () => undefined,
  ...more,
})
