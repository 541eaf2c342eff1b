import type { Claim, Run } from '../../domain/run.ts'
import type { RepositoryInfo, VersionControl } from '../../plugins/version-control/contract.ts'
import type { Db } from '../../store/database.ts'
import { setBaseSha } from '../../store/runs.ts'
import type { Workspace, Workspaces } from '../../workspace/contract.ts'
import type { Journal } from './journal.ts'

/** The workspace of a run, opened when it is first needed by this worker, in the state of the last finished step. */
export type RunWorkspace = {
  get: () => Promise<Workspace>
  opened: () => Workspace | null
  /** The state that the last finished step left; null before the first that left one. */
  lastSnapshot: () => string | null
  /** The state after a step, or null where no workspace is open. */
  snapshot: (label: string) => Promise<string | null>
  /** Takes back what has been done since the last finished step, as a worker that never saw it would find it. */
  rewind: () => Promise<void>
  close: () => Promise<void>
}

export const createRunWorkspace = (parts: {
  run: Run
  claim: Claim
  db: Db
  journal: Journal
  workspaces: Workspaces
  versionControl: VersionControl
  repository: () => RepositoryInfo
  signal: AbortSignal
}): RunWorkspace => {
  let opening: Promise<Workspace> | null = null
  let opened: Workspace | null = null

  const open = async (): Promise<Workspace> => {
    const { run, versionControl } = parts
    const repository = parts.repository()
    const workspace = await parts.workspaces.open(
      {
        runId: run.id,
        repository: run.repository,
        cloneUrl: repository.cloneUrl,
        credential: () => versionControl.getGitCredential(run),
        base: run.baseSha === null ? { branch: repository.defaultBranch } : { sha: run.baseSha },
        snapshot: lastSnapshot(parts.journal),
      },
      parts.signal,
    )
    try {
      if (run.baseSha === null) await setBaseSha(parts.db, parts.claim, workspace.baseSha)
    } catch (error) {
      // Nobody has it yet, and so nobody else would close it.
      await workspace.close()
      throw error
    }
    run.baseSha = workspace.baseSha
    opened = workspace
    return workspace
  }

  return {
    get: () => {
      opening ??= open().catch((error: unknown) => {
        opening = null
        throw error
      })
      return opening
    },
    opened: () => opened,
    lastSnapshot: () => lastSnapshot(parts.journal),
    snapshot: async (label) => (opened ? (await opened.snapshot(label)).commit : null),
    rewind: async () => {
      await opened?.restore(lastSnapshot(parts.journal) ?? opened.baseSha)
    },
    close: async () => {
      const closing = opened
      opened = null
      opening = null
      await closing?.close()
    },
  }
}

const lastSnapshot = (journal: Journal): string | null =>
  journal.rows().findLast((row) => row.state === 'done' && row.snapshot !== null)?.snapshot ?? null
