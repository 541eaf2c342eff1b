import { normaliseUntrusted } from '../agents/untrusted-text.ts'
import type { Config } from '../config/schema.ts'
import { listSecrets } from '../config/secrets.ts'
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
})

/** Whether a text says anything to a person: what hides in it does not count. */
export const visibleText = (text: string): string =>
  normaliseUntrusted(text)
    .replace(/\[\d+ hidden characters? (?:was|were) removed here\]/g, '')
    .trim()

const knownSecrets = (config: Config): KnownSecret[] =>
  listSecrets(config).map((value) => ({ name: 'a secret of this installation', value }))
