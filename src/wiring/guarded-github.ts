import type { Breakers } from '../guard/breakers.ts'
import { guardPlugin } from '../guard/guard-plugin.ts'
import type { GitHubClient } from '../plugins/github-client/github-client.ts'
import { createGitHubTaskManagement } from '../plugins/task-management/github/github.ts'
import { createGitHubVersionControl } from '../plugins/version-control/github/github.ts'
import type { Services } from './services.ts'

/** The two views of GitHub behind its breaker. */
export const guardedGitHub = (
  client: GitHubClient,
  breakers: Breakers,
): Pick<Services, 'versionControl' | 'taskManagement'> => ({
  versionControl: guardPlugin(createGitHubVersionControl(client), breakers, {
    // The taking in of deliveries asks which events are our own, and `doctor` and health ask whether it works at all.
    always: ['self', 'check'],
    // A token is kept for as long as it is good.
    remembered: ['getGitCredential'],
  }),
  taskManagement: guardPlugin(createGitHubTaskManagement(client), breakers),
})
