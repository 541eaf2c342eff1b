import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { JourneymanError } from '../../domain/errors.ts'
import { hideAnswer, meetFault, takeFault } from '../http/take-fault.ts'
import { mayDo, maySee, tokenOf } from './authenticate.ts'
import { gitCommand, refreshRefs } from './git.ts'
import { recordRequest } from './note-violation.ts'
import { readCgiHead } from './read-cgi-head.ts'
import { type GitHubState, type RepositoryState, repositoryOf } from './state.ts'

const gitPath = /^\/([^/]+\/[^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/

export const isGitPath = (path: string): boolean => gitPath.test(path)

/** Git's smart protocol, by git's own `http-backend`, behind the same tokens as the REST interface. */
export const handleGit = async (
  state: GitHubState,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> => {
  const method = request.method ?? 'GET'
  const record = recordRequest(state, 'git', method, url.pathname)
  // Before a large push git asks with four bytes whether it would be let in: no fault is spent on that.
  const isProbe = request.headers['content-length'] === '4'
  const fault = isProbe ? null : takeFault(state.faults, method, url.pathname)
  if (await meetFault(fault, response)) {
    if (fault?.kind === 'status') record.status = fault.status
    return
  }
  const [, name = '', service = ''] = gitPath.exec(url.pathname) ?? []
  const repository = repositoryOf(state, name)
  const isPush = service === 'git-receive-pack' || url.searchParams.get('service') === 'git-receive-pack'
  const refusal = refuse(state, request, repository, isPush)
  if (refusal !== null || repository === undefined) {
    record.status = refusal?.status ?? 404
    response.writeHead(record.status, { 'content-type': 'text/plain', ...challenge(record.status) })
    response.end(`${refusal?.message ?? 'Repository not found.'}\n`)
    return
  }
  const hide = fault?.kind === 'after' || fault?.kind === 'drop_after'
  const pathInfo = `/${repository.fullName}.git/${service}`
  const status = await runBackend(state, request, hide ? null : response, url, pathInfo)
  // The client is told that it is over only when the pull requests have seen the push.
  if (isPush && method === 'POST') await refreshRefs(repository)
  record.status = fault?.kind === 'after' ? fault.status : fault?.kind === 'drop_after' ? 0 : status
  // Without a first byte git's transport would quietly send the same request again, and meet its own push.
  if (fault?.kind === 'drop_after') await firstByte(response)
  if (!hideAnswer(fault, response)) response.end()
}

const firstByte = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    response.writeHead(200, { 'content-type': 'application/x-git-receive-pack-result' })
    response.write('0', () => resolve())
  })

const challenge = (status: number): Record<string, string> =>
  status === 401 ? { 'www-authenticate': 'Basic realm="GitHub"' } : {}

/** Anyone may read what is public. Everything else takes a token as the password of `x-access-token`. */
const refuse = (
  state: GitHubState,
  request: IncomingMessage,
  repository: RepositoryState | undefined,
  isPush: boolean,
): { status: number; message: string } | null => {
  const password = passwordOf(request.headers.authorization)
  if (password === null) {
    const isOpen = repository !== undefined && !repository.private && !isPush
    return isOpen ? null : { status: 401, message: 'Authentication is required.' }
  }
  const token = tokenOf(state, password)
  if (token === null) return { status: 401, message: 'Invalid username or token.' }
  if (repository === undefined) return { status: 404, message: 'Repository not found.' }
  const permission = isPush ? 'contents:write' : 'contents:read'
  if (!maySee(state, token, repository) || !mayDo(token, [permission]))
    return { status: 403, message: `${isPush ? 'Write' : 'Read'} access to repository not granted.` }
  if (isPush && repository.archived) return { status: 403, message: 'This repository was archived so it is read-only.' }
  return null
}

const passwordOf = (header: string | undefined): string | null => {
  const encoded = /^basic (.+)$/i.exec(header ?? '')?.[1]
  if (encoded === undefined) return null
  const [user, ...password] = Buffer.from(encoded, 'base64').toString().split(':')
  return user === 'x-access-token' ? password.join(':') : ''
}

/** Resolves with the answer's status; unless it is to be hidden, the answer is on its way then, and not yet ended. */
const runBackend = async (
  state: GitHubState,
  request: IncomingMessage,
  response: ServerResponse | null,
  url: URL,
  pathInfo: string,
): Promise<number> => {
  // A client that goes away in the middle of its request has asked for nothing.
  const body = await buffer(request).catch(() => null)
  if (body === null) return 0
  const command = gitCommand(cgiVariables(state, request, url, pathInfo), ['http-backend'])
  const { code, out, complaint } = await state.gitHost.run(command, body)
  if (code === null) throw new JourneymanError('internal', `The world's git was ended in the middle: ${complaint}`)
  let status = 200
  const head = readCgiHead((code, headers) => {
    status = code
    response?.writeHead(code, headers)
  })
  response?.write(head(Buffer.from(out)))
  return status
}

const cgiVariables = (
  state: GitHubState,
  request: IncomingMessage,
  url: URL,
  pathInfo: string,
): Record<string, string> => {
  const { headers } = request
  const given = {
    CONTENT_TYPE: headers['content-type'],
    CONTENT_LENGTH: headers['content-length'],
    HTTP_CONTENT_ENCODING: headers['content-encoding'],
    GIT_PROTOCOL: headers['git-protocol'] as string | undefined,
  }
  const present = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return {
    GIT_PROJECT_ROOT: state.folder,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: pathInfo,
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: request.method ?? 'GET',
    REMOTE_USER: 'x-access-token',
    REMOTE_ADDR: '127.0.0.1',
    ...Object.fromEntries(present),
  }
}
