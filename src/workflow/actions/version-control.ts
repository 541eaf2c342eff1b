import { isUndoing } from '../../domain/address.ts'
import { JourneymanError } from '../../domain/errors.ts'
import { latestResult } from '../../store/effects.ts'
import type { Execution } from '../engine/execution.ts'
import type { Action } from './action.ts'
import { commitAndPush, proposeChange } from './propose-change.ts'

/** Makes the workspace ready: mirror, worktree, and the repository's own set-up in the sandbox. */
const cloneRepository: Action = async (_inputs, { execution, address, signal }) => {
  const { journal, parts } = execution
  journal.activity(address, 'fetching the repository')
  const workspace = await execution.workspace.get()
  const setup = await parts.evidence.runSetup(workspace, signal, (text) => journal.activity(address, text))
  const failed = setup.find((result) => result.exitCode !== 0 && result.exitCode !== null)
  if (failed) {
    throw new JourneymanError(
      'command_failed',
      `The set-up command \`${failed.command}\` ended with ${failed.exitCode}.`,
      {
        nextAction: 'Mend `setup` in .journeyman.yml on the default branch, then label the issue again.',
        detail: { output: failed.outputTail },
      },
    )
  }
  const { baseSha, settings } = workspace
  return {
    workspace: {
      base_sha: baseSha,
      checks: settings.checks.map((check) => check.command),
      checks_from: settings.checksFrom,
      setup,
    },
  }
}

/**
 * Takes the name for this run. The branch itself comes into being with the first push, so that a run which ends before
 * leaves none behind; a name that is taken is refused now rather than after the work.
 */
const createBranch: Action = async (inputs, { execution }) => {
  const { run, parts, facts } = execution
  const branch = String(inputs['branch'])
  const taken = await parts.versionControl.getBranchHead(run, branch)
  // A run that is tried again from an earlier step finds what it has pushed itself.
  const target = `${run.repository}@${branch}`
  const own = (await latestResult(parts.database.db, run.id, 'push', target)) as { commit: string } | null
  if (taken !== null && taken !== own?.commit) {
    throw new JourneymanError('conflict', `The branch ${branch} exists already in ${run.repository}.`, {
      nextAction: 'Delete the branch, or give the workflow a branch name of its own per run.',
    })
  }
  return { branch, branch_url: `${facts.repository.url}/tree/${branch}` }
}

/**
 * As the undoing of `create_branch` it takes away what this run has pushed, and nothing else: a branch that was never pushed
 * is not there, and one that somebody else has gone on with is theirs.
 */
const deleteBranch: Action = async (inputs, { execution, address }) => {
  const { run, parts, guard } = execution
  const branch = String(inputs['branch'])
  if (isUndoing(address) && !(await isOurs(execution, branch))) return {}
  await parts.effects.set(guard, {
    key: `branch:${address}`,
    kind: 'branch',
    target: `${run.repository}@${branch}`,
    request: { delete: branch },
    send: () => parts.versionControl.deleteBranch(run, branch).then(() => ({ deleted: branch })),
  })
  return {}
}

const isOurs = async ({ run, parts }: Execution, branch: string): Promise<boolean> => {
  const target = `${run.repository}@${branch}`
  const pushed = (await latestResult(parts.database.db, run.id, 'push', target)) as { commit: string } | null
  if (pushed === null) return false
  const head = await parts.versionControl.getBranchHead(run, branch)
  if (head === null || head === pushed.commit) return head !== null
  throw new JourneymanError('conflict', `Somebody has pushed to ${branch} since: it is left as it is.`, {
    nextAction: 'Delete the branch by hand, if nobody needs it.',
  })
}

const closePullRequest: Action = async (inputs, { execution, address }) => {
  const { run, parts, guard } = execution
  const number = Number(inputs['number'])
  await parts.effects.set(guard, {
    key: `close:${address}`,
    kind: 'pull_request',
    target: `${run.repository}#${number}`,
    request: { close: number },
    send: () => parts.versionControl.closeChange(run, number).then(({ state }) => ({ state })),
  })
  return { change: await parts.versionControl.getChange(run, number) }
}

const pushBranch: Action = async (inputs, context) => {
  const branch = String(inputs['branch'])
  const pushed = await commitAndPush(context, { branch, message: `Work on ${branch}` })
  return { branch_url: `${context.execution.facts.repository.url}/tree/${branch}`, commit_hash: pushed.commit }
}

const getRepositoryInfo: Action = async (_inputs, { execution }) => {
  const info = await execution.parts.versionControl.getRepository(execution.run)
  const { repository, url, cloneUrl, defaultBranch, archived } = info
  return {
    repository_info: {
      repository,
      url,
      clone_url: cloneUrl,
      default_branch: defaultBranch,
      private: info.private,
      archived,
    },
  }
}

const getPullRequest: Action = async (inputs, { execution }) => ({
  change: await execution.parts.versionControl.getChange(execution.run, Number(inputs['number'])),
})

export const versionControlActions: Record<string, Action> = {
  clone_repository: cloneRepository,
  create_branch: createBranch,
  delete_branch: deleteBranch,
  push_branch: pushBranch,
  create_pull_request: proposeChange,
  get_repository_info: getRepositoryInfo,
  close_pull_request: closePullRequest,
  get_pull_request: getPullRequest,
}
