import type { Config } from '../config/schema.ts'
import type { Database } from '../store/database.ts'
import { holdsSnapshot, putSnapshot, snapshotChain } from '../store/workspace-snapshots.ts'
import { persist } from '../workflow/engine/persist.ts'
import type { SnapshotShare } from '../workspace/shared-snapshots.ts'
import type { Log } from './log.ts'

/** The database as the place from which another host takes a run's snapshots; undefined where they stay on their own. */
export const snapshotShare = (config: Config, database: Database, log: Log): SnapshotShare | undefined => {
  const { share_snapshots: where, shared_snapshot_kb } = config.workspace
  if (where === 'off' || (where === 'auto' && database.kind === 'pglite')) return undefined
  const { db } = database
  return {
    maxBytes: shared_snapshot_kb * 1024,
    put: (runId, snapshot) => persist(() => putSnapshot(db, runId, snapshot)),
    holds: (runId, commit) => holdsSnapshot(db, runId, commit),
    chain: (runId, commit) => snapshotChain(db, runId, commit),
    tooLarge: (run, commit) =>
      log('warn', 'a snapshot is too large to be shared; only this host can go on with it', { run, commit }),
  }
}
