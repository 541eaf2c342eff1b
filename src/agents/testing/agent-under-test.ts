import type { AiProvider } from '../../plugins/ai-provider/contract.ts'
import type { Workspace } from '../../workspace/contract.ts'
import type { AgentJournal, AgentOutcome, AgentTask } from '../contract.ts'
import { developmentRole } from '../development/development-role.ts'
import { createRunAgent, type RunAgentParts } from '../run-agent.ts'

export const task = (change: Partial<AgentTask> = {}): AgentTask => ({
  runId: 'run_test',
  address: 'generate_code',
  role: 'development',
  system: 'You write code.',
  prompt: 'Make the greeting friendly.',
  models: { primary: 'big', fallback: 'small' },
  limits: { maxTurns: 20, maxMinutes: 5, maxTokens: 1_000_000, maxRepetitions: 4, maxOutputTokens: 4000 },
  ...change,
})

export const runIt = (
  parts: { provider: AiProvider; journal: AgentJournal; workspace: Workspace; task?: AgentTask; signal?: AbortSignal },
  more: Partial<RunAgentParts> = {},
): Promise<AgentOutcome> => {
  const run = createRunAgent({
    provider: parts.provider,
    roles: [developmentRole],
    retry: { maxRetries: 2, maxRetryWaitSeconds: 0.01 },
    commandTimeoutMs: 5000,
    log: { info: () => undefined, warn: () => undefined },
    ...more,
  })
  return run(parts.task ?? task(), parts.journal, parts.workspace, parts.signal ?? new AbortController().signal)
}

export const submission = {
  summary: 'The greeting is friendly now.',
  title: 'feat: friendly greeting',
  description: 'It says hello.',
  commit_message: 'feat: friendly greeting',
  files: [{ path: 'greeting.txt', note: 'says hello' }],
  tests: [],
  criteria: [{ criterion: 'friendly', evidence: 'greeting.txt' }],
  breaking_changes: [],
  not_done: [],
}

export const edit = (path: string, old: string, replacement: string) => ({
  name: 'str_replace_based_edit_tool',
  input: { command: 'str_replace', path, old_str: old, new_str: replacement },
})
export const create = (path: string, content: string) => ({
  name: 'str_replace_based_edit_tool',
  input: { command: 'create', path, file_text: content },
})
export const view = (path: string) => ({ name: 'str_replace_based_edit_tool', input: { command: 'view', path } })
export const sh = (command: string) => ({ name: 'bash', input: { command } })
export const submit = (change: object = {}) => ({ name: 'submit', input: { ...submission, ...change } })
