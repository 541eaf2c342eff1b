/** What the checker knows of an agent: the names its prompt is given without being told, and what it hands in. */
export type AgentSpec = { given: readonly string[]; outputs: readonly string[] }

const everyPrompt = ['task', 'repository', 'branch', 'settings', 'instructions', 'baseline']
const everyResult = ['turns', 'usage', 'models']

export const agentSpecs: Readonly<Record<string, AgentSpec>> = {
  development: {
    given: everyPrompt,
    outputs: [
      'implementation',
      'summary',
      'pr_title',
      'pr_description',
      'commit_message',
      'files',
      'tests',
      'breaking_changes',
      'not_done',
      'criteria',
      'checks',
      ...everyResult,
    ],
  },
}
