import { normaliseUntrusted } from '../agents/untrusted-text.ts'
import type { Config } from '../config/schema.ts'
import { listSecrets } from '../config/secrets.ts'
import { disarmPlain } from '../report/disarm.ts'
import { renderPullRequestBody } from '../report/pull-request-body.ts'
import type { Evidence } from '../workflow/engine/execution.ts'
import { runChecks, runSetup } from '../workspace/checks.ts'
import { judgeProposal } from '../workspace/gates.ts'
import { findSecrets, type KnownSecret } from '../workspace/secrets.ts'

/** The verbs of rooms that the engine may not import, on what a run shows and proposes. */
export const createEvidence = (config: () => Config): Evidence => ({
  runSetup: (workspace, signal, activity) =>
    runSetup(workspace, { timeoutMs: config().sandbox.setup_seconds * 1000 }, signal, activity),
  runChecks: (workspace, when, signal, activity) => runChecks(workspace, when, signal, activity),
  judge: (files, rules) => {
    const findings = judgeProposal(files, { ...rules, knownSecrets: knownSecrets(config()) })
    const of = (severity: 'refuse' | 'flag') => findings.filter((finding) => finding.severity === severity)
    return {
      refused: of('refuse').map(({ path, message, rule }) => ({ path, message, protected: rule === 'protected_path' })),
      flagged: of('flag').map(({ path, message }) => ({ path, message })),
    }
  },
  findSecrets: (text) =>
    findSecrets(text, knownSecrets(config())).map(({ kind, line }) =>
      line === null ? kind : `${kind} in line ${line}`,
    ),
  describeChange: renderPullRequestBody,
  disarm: disarmPlain,
})

/** What is told to people while and after a run works: the agent has a say in it, and no secret may be. */
export const createWithhold =
  (config: () => Config) =>
  (text: string): string =>
    findSecrets(text, knownSecrets(config())).length === 0 ? text : '(withheld: it holds what looks like a secret)'

/** Whether a text says anything to a person: what hides in it does not count. */
export const visibleText = (text: string): string =>
  normaliseUntrusted(text)
    .replace(/\[\d+ hidden characters? (?:was|were) removed here\]/g, '')
    .trim()

const knownSecrets = (config: Config): KnownSecret[] =>
  listSecrets(config).map((value) => ({ name: 'kept by this installation', value }))
