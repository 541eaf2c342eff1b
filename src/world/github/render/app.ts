import type { GitHubState, InstallationState } from '../state.ts'
import { nodeId, renderTime } from './text.ts'
import { renderUser } from './user.ts'

/** The app, as GitHub describes it; also what a comment says it was made through. */
export const renderApp = (state: GitHubState) => ({
  id: Number(state.app.id),
  slug: state.app.slug,
  node_id: nodeId('A', state.app.id),
  client_id: `Iv1.${state.app.id}`,
  owner: renderUser(state, { login: 'world', id: 1, type: 'User' }),
  name: 'Journeyman (world)',
  description: '',
  external_url: state.url,
  html_url: `${state.url}/apps/${state.app.slug}`,
  created_at: renderTime(state.app.createdAt),
  updated_at: renderTime(state.app.createdAt),
  permissions: state.app.permissions,
  events: state.app.events,
})

export const renderInstallation = (state: GitHubState, installation: InstallationState) => ({
  id: installation.id,
  account: renderUser(state, installation.account),
  repository_selection: 'selected',
  access_tokens_url: `${state.apiUrl}/app/installations/${installation.id}/access_tokens`,
  repositories_url: `${state.apiUrl}/installation/repositories`,
  html_url: `${state.url}/settings/installations/${installation.id}`,
  app_id: Number(state.app.id),
  app_slug: state.app.slug,
  client_id: `Iv1.${state.app.id}`,
  target_id: installation.account.id,
  target_type: installation.account.type,
  permissions: state.app.permissions,
  events: state.app.events,
  created_at: renderTime(installation.createdAt),
  updated_at: renderTime(installation.createdAt),
  single_file_name: null,
  has_multiple_single_files: false,
  single_file_paths: [],
  suspended_by: null,
  suspended_at: null,
})
