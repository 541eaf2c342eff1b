import type { Claim, Run } from '../../domain/run.ts'
import type { RepositoryInfo, VersionControl } from '../../plugins/version-control/contract.ts'
import type { Db } from '../../store/database.ts'
import { setBaseSha } from '../../store/runs.ts'
import type { Workspace, Workspaces } from '../../workspace/contract.ts'
import type { Journal } from './journal.ts'
import { createTurns, type Turn } from './turns.ts'

/** The workspace of a run, opened when it is first needed by this worker, in the state of the last finished step. */
export type RunWorkspace = {
  get: () => Promise<Workspace>
  opened: () => Workspace | null
  /** The state that the last finished step left; null before the first that left one. */
  lastSnapshot: () => string | null
  /** The state after a step, or null where no workspace is open. */
  snapshot: (label: string) => Promise<string | null>
  /** Waits until no other step of the run is at the work tree. Throws the signal's reason. */
  turn: (signal: AbortSignal) => Promise<Turn>
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
  /** The repository's own set-up. */
  setUp: (workspace: Workspace) => Promise<unknown>
  signal: AbortSignal
}): RunWorkspace => {
  let opening: Promise<Workspace> | null = null
  let opened: Workspace | null = null
  const turns = createTurns()

  const close = async (): Promise<void> => {
    const closing = opened
    opened = null
    opening = null
    await closing?.close()
  }

  /** A work tree made anew (on another host, for a retry) lacks what git does not know: installed packages, above all. */
  const setUpAgain = async (workspace: Workspace): Promise<void> => {
    const snapshot = lastSnapshot(parts.journal)
    if (!workspace.fresh || snapshot === null || !wasSetUp(parts.journal)) return
    await parts.setUp(workspace)
    await workspace.restore(snapshot)
  }

  const open = async (): Promise<Workspace> => {
    const { run, versionControl } = parts
    const repository = parts.repository()
    const workspace = await parts.workspaces.open(
      {
        runId: run.id,
        epoch: parts.claim.epoch,
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
      await setUpAgain(workspace)
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
    turn: turns.take,
    // Where that fails, whoever needs the work tree next opens it anew, from the same snapshot, or hears why not.
    rewind: async () => {
      await opened?.restore(lastSnapshot(parts.journal) ?? opened.baseSha).catch(() => close().catch(() => undefined))
    },
    close,
  }
}

/** Of the step that was done last: each holds the tree until its end is written. */
const lastSnapshot = (journal: Journal): string | null => {
  let last: { snapshot: string; order: number } | null = null
  for (const { state, snapshot, finishOrder } of journal.rows()) {
    if (state === 'done' && snapshot !== null && (last === null || (finishOrder ?? 0) >= last.order))
      last = { snapshot, order: finishOrder ?? 0 }
  }
  return last?.snapshot ?? null
}

/** By the step that clones, whose result says so. */
const wasSetUp = (journal: Journal): boolean =>
  journal.rows().some(({ state, kind, result }) => {
    const workspace = (result as { workspace?: { setup?: unknown } } | null)?.workspace
    return state === 'done' && kind === 'plugin' && Array.isArray(workspace?.setup) && workspace.setup.length > 0
  })
