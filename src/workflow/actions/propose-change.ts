import type { Change } from '../../domain/change.ts'
import { JourneymanError } from '../../domain/errors.ts'
import { isOperators } from '../../domain/subject.ts'
import { latestResult } from '../../store/effects.ts'
import { addLinks } from '../../store/runs.ts'
import type { ProposedFile } from '../../workspace/contract.ts'
import { askPerson } from '../engine/ask-person.ts'
import { recordedChecks, recordedImplementation } from '../engine/evidence.ts'
import type { Execution, Judgement } from '../engine/execution.ts'
import type { Action } from './action.ts'
import { refuseSecrets } from './refuse-secrets.ts'

type Context = Parameters<Action>[1]

/**
 * The deterministic stage between what an agent proposes and what leaves: gates, commit, push, pull request. Each write is
 * an effect; the same content gives the same commit, so that doing it again finds what is there.
 */
export const proposeChange: Action = async (inputs, context) => {
  const { execution, address } = context
  const { run, parts, guard } = execution
  const branch = String(inputs['source_branch'])
  const title = parts.evidence.disarm(String(inputs['title'])).slice(0, 256)
  const { files, flagged } = await judgedProposal(context)
  const body = await describe(execution, String(inputs['description']), files, flagged)
  refuseSecrets(execution, { title, body, branch })
  const done = recordedImplementation(execution.journal)
  execution.journal.activity(address, `pushing ${branch}`)
  const { commit } = await commitAndPush(
    context,
    { branch, message: done?.implementation.commit_message ?? title },
    files,
  )
  execution.journal.activity(address, 'opening the pull request')
  const change = await parts.effects.once<Change>(guard, {
    key: `pull_request:${branch}`,
    kind: 'pull_request',
    target: `${run.repository}@${branch}`,
    request: { title, branch, base: inputs['target_branch'] },
    // A branch of this name may have had a change in an earlier life; that one is not ours.
    find: async () => {
      const found = await parts.versionControl.findChange(run, branch)
      return found !== null && (found.state === 'open' || found.head_sha === commit) ? found : null
    },
    send: () =>
      parts.versionControl.createChange(run, {
        title,
        body,
        sourceBranch: branch,
        targetBranch: String(inputs['target_branch']),
        draft: isDraft(execution, inputs['draft']),
      }),
  })
  const link = {
    number: change.number,
    url: change.url,
    title: change.title,
    branch,
    headSha: commit,
    files: files.length,
  }
  await addLinks(parts.database.db, guard, { change: link })
  await addLabels(context, change.number, inputs['labels'])
  return { pr_url: change.url, number: change.number, change: { ...change, head_sha: commit } }
}

/** Commits what the workspace proposes and pushes it, expecting on the branch what this run has pushed there, or nothing. */
export const commitAndPush = async (
  context: Context,
  what: { branch: string; message: string },
  known?: ProposedFile[],
): Promise<{ commit: string }> => {
  const { execution } = context
  const { run, parts } = execution
  const files = known ?? (await judgedProposal(context)).files
  const workspace = await execution.workspace.get()
  const self = await parts.versionControl.self()
  const message = commitMessage(execution, what.message)
  refuseSecrets(execution, { message, names: files.map((file) => file.path).join('\n') })
  const commit = await workspace.commit({
    message,
    author: { name: self.login, email: `${self.id}+${self.login}@users.noreply.${hostOf(execution)}` },
    date: run.startedAt ?? run.createdAt,
  })
  await push(execution, what.branch, commit)
  return { commit }
}

const push = async (execution: Execution, branch: string, commit: string): Promise<void> => {
  const { run, parts, guard } = execution
  const target = `${run.repository}@${branch}`
  const pushed = (await latestResult(parts.database.db, run.id, 'push', target)) as { commit: string } | null
  if (pushed?.commit === commit) return
  const workspace = await execution.workspace.get()
  await parts.effects.once(guard, {
    key: `push:${branch}:${commit}`,
    kind: 'push',
    target,
    request: { commit },
    find: async () => ((await parts.versionControl.getBranchHead(run, branch)) === commit ? { commit } : null),
    send: () => workspace.push({ commit, branch, expected: pushed?.commit ?? null }).then(() => ({ commit })),
  })
}

/** What a person sees of a change to protected paths, before it leaves. */
const mostDiffBytes = 20_000

/** A change to protected paths leaves only with a person's yes to exactly that change. */
const askToLeave = async (context: Context, files: ProposedFile[], refused: Judgement['refused']): Promise<void> => {
  const { execution } = context
  const workspace = await execution.workspace.get()
  const paths = new Set(refused.map((finding) => finding.path))
  const changed = files.filter((file) => paths.has(file.path))
  const shown = {
    protected: refused.slice(0, 50).map((finding) => finding.message),
    files: changed
      .slice(0, 50)
      .map(({ path, status, additions, deletions }) => ({ path, status, additions, deletions })),
    diff: await workspace.unifiedDiff(mostDiffBytes),
  }
  refuseSecrets(execution, { shown: JSON.stringify(shown) })
  const name = context.address.slice(context.address.lastIndexOf('/') + 1)
  const approvers = execution.parts.settings().proposal.protectedApprovers
  await askPerson(context, { name, shown, approvers, onTimeout: 'reject', timeoutSeconds: null })
}

const judgedProposal = async (context: Context): Promise<{ files: ProposedFile[]; flagged: Judgement['flagged'] }> => {
  const { execution } = context
  const workspace = await execution.workspace.get()
  const files = await workspace.proposal()
  if (files.length === 0) {
    throw new JourneymanError('nothing_to_propose', 'The work ended without a change to any file.', {
      nextAction: 'Say in the issue what should be different afterwards, then label it again.',
    })
  }
  const { proposal } = execution.parts.settings()
  const rules = { ...proposal, protectedPaths: [...proposal.protectedPaths, ...workspace.settings.protected_paths] }
  const { refused, flagged } = execution.parts.evidence.judge(files, rules)
  if (refused.length === 0) return { files, flagged }
  if (refused.every((finding) => finding.protected)) {
    await askToLeave(context, files, refused)
    return { files, flagged }
  }
  // Each names its file, where the name may be told.
  const list = refused.slice(0, 10).map((finding) => finding.message)
  throw new JourneymanError('gate_refused', `The proposal may not leave: ${list.join(' ')}`, {
    nextAction: 'Say in the issue how it should be done instead, then label it again.',
    detail: { findings: refused.slice(0, 50) },
  })
}

const describe = async (
  execution: Execution,
  description: string,
  files: ProposedFile[],
  flagged: Judgement['flagged'],
): Promise<string> => {
  const { run, parts, facts, journal } = execution
  const done = recordedImplementation(journal)
  return parts.evidence.describeChange({
    run,
    task: facts.task,
    description,
    implementation: done?.implementation ?? null,
    files,
    flagged,
    checks: recordedChecks(journal),
    models: done?.models ?? [],
    cost: await parts.money.costOf(run.id),
    runUrl: parts.settings().runUrl(run.id),
    sandbox: parts.workspaces.sandbox,
  })
}

/** Draft until checks pass: those that were run after the work, every one of them. */
const isDraft = (execution: Execution, asked: unknown): boolean => {
  if (typeof asked === 'boolean') return asked
  if (!execution.parts.settings().proposal.draft) return false
  const after = recordedChecks(execution.journal).filter((check) => check.when === 'after')
  return after.length === 0 || after.some((check) => check.exitCode !== 0)
}

const addLabels = async (context: Context, number: number, labels: unknown): Promise<void> => {
  if (!Array.isArray(labels) || labels.length === 0) return
  const { run, parts, guard } = context.execution
  await parts.effects.set(guard, {
    key: `labels:${context.address}`,
    kind: 'labels',
    target: `${run.repository}#${number}`,
    request: { add: labels.map(String) },
    send: () => parts.versionControl.addLabels(run, number, labels.map(String)).then(() => ({})),
  })
}

const commitMessage = (execution: Execution, message: string): string => {
  const { run } = execution
  // An operator is no account of the host; whoever has that name there has not asked for this.
  const asker = isOperators(run)
    ? ''
    : `Co-authored-by: ${run.actor.login} <${run.actor.id}+${run.actor.login}@users.noreply.${hostOf(execution)}>\n`
  const words = execution.parts.evidence.disarm(message).replace(forgedTrailer, '').trim()
  return `${words}\n\n${asker}Journeyman-Run: ${run.id}\n`
}

/** Lines that speak for people, that name the run, or that keep checks from running: ours to write, or nobody's. */
const forgedTrailer =
  /^[ \t]*(?:co-authored-by|signed-off-by|reviewed-by|acked-by|approved-by|tested-by|journeyman-run|skip-checks)[ \t]*:.*$/gim

const hostOf = (execution: Execution): string => new URL(execution.facts.repository.url).hostname
