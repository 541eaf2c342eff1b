import type { WorldUser } from '../contract.ts'
import type { GitHubState } from './state.ts'

/** The person with this name, made when there is none. A bot's name ends in `[bot]`, as on GitHub. */
export const addUser = (state: GitHubState, login: string, options: { bot?: boolean } = {}): WorldUser => {
  const name = options.bot === true && !login.endsWith('[bot]') ? `${login}[bot]` : login
  const known = state.users.get(name.toLowerCase())
  if (known !== undefined) return known
  const user: WorldUser = { login: name, id: state.nextId(), type: options.bot === true ? 'Bot' : 'User' }
  state.users.set(name.toLowerCase(), user)
  return user
}
