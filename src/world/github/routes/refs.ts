import { type Answer, created, noContent, notFound, ok, refused } from '../answer.ts'
import { commitOf, git, refreshRefs } from '../git.ts'
import { paginate } from '../paginate.ts'
import { readCommits } from '../read-commit.ts'
import { renderCommit } from '../render/commit.ts'
import { repositoryPage, repositoryUrl } from '../render/repository.ts'
import { nodeId } from '../render/text.ts'
import { type RepositoryCall, type Route, repositoryRoute } from '../route.ts'

export const refRoutes: Route[] = [
  repositoryRoute('GET /git/ref/{ref}', 'contents:read', (call) => {
    const name = `refs/${call.parameters['ref']}`
    return call.repository.refs.has(name) ? ok(renderRef(call, name)) : notFound()
  }),
  repositoryRoute('GET /git/matching-refs/{ref}', 'contents:read', (call) => {
    const start = `refs/${call.parameters['ref']}`
    return ok(
      [...call.repository.refs.keys()].filter((name) => name.startsWith(start)).map((name) => renderRef(call, name)),
    )
  }),
  repositoryRoute('POST /git/refs', 'contents:write', (call) => createRef(call)),
  repositoryRoute('PATCH /git/refs/{ref}', 'contents:write', (call) => updateRef(call)),
  repositoryRoute('DELETE /git/refs/{ref}', 'contents:write', async (call) => {
    const name = `refs/${call.parameters['ref']}`
    if (!call.repository.refs.has(name)) return refused(422, 'Reference does not exist')
    await git(call.repository, ['update-ref', '-d', name])
    await refreshRefs(call.repository)
    return noContent()
  }),
  repositoryRoute('GET /branches', 'contents:read', (call) =>
    paginate(call, branches(call), (name) => renderShortBranch(call, name)),
  ),
  repositoryRoute('GET /branches/{branch}', 'contents:read', async (call) => {
    const name = call.parameters['branch'] ?? ''
    const sha = call.repository.refs.get(`refs/heads/${name}`)
    if (sha === undefined) return refused(404, 'Branch not found')
    const [commit] = await readCommits(call.repository, ['-1', sha])
    const page = `${repositoryPage(call.state, call.repository)}/tree/${name}`
    const self = branchUrl(call, name)
    return ok({
      ...renderShortBranch(call, name),
      commit: renderCommit(call.state, call.repository, commit!),
      _links: { self, html: page },
      protection: { enabled: false },
      protection_url: `${self}/protection`,
    })
  }),
]

const createRef = async (call: RepositoryCall): Promise<Answer> => {
  const name = String(call.body['ref'])
  const sha = String(call.body['sha'])
  if (!/^refs\/[^/]+\/.+/.test(name))
    return refused(422, "Reference name must start with 'refs' and have at least two slashes.")
  if (call.repository.refs.has(name)) return refused(422, 'Reference already exists')
  if ((await commitOf(call.repository, sha)) === null) return refused(422, 'Object does not exist')
  const isWellFormed = await git(call.repository, ['check-ref-format', name]).then(
    () => true,
    () => false,
  )
  if (!isWellFormed) return refused(422, `${name} is not a valid ref name.`)
  await git(call.repository, ['update-ref', name, sha])
  await refreshRefs(call.repository)
  return created(renderRef(call, name))
}

const updateRef = async (call: RepositoryCall): Promise<Answer> => {
  const name = `refs/${call.parameters['ref']}`
  const sha = String(call.body['sha'])
  const old = call.repository.refs.get(name)
  if (old === undefined) return refused(422, 'Reference does not exist')
  if ((await commitOf(call.repository, sha)) === null) return refused(422, 'Object does not exist')
  const isForward = await git(call.repository, ['merge-base', '--is-ancestor', old, sha]).then(
    () => true,
    () => false,
  )
  if (!isForward && call.body['force'] !== true) return refused(422, 'Update is not a fast forward')
  await git(call.repository, ['update-ref', name, sha])
  await refreshRefs(call.repository)
  return ok(renderRef(call, name))
}

const renderRef = (call: RepositoryCall, name: string) => {
  const url = `${repositoryUrl(call.state, call.repository)}/git`
  const sha = call.repository.refs.get(name) ?? ''
  return {
    ref: name,
    node_id: nodeId('REF', name),
    url: `${url}/${name}`,
    object: { type: 'commit', sha, url: `${url}/commits/${sha}` },
  }
}

const branches = (call: RepositoryCall): string[] =>
  [...call.repository.refs.keys()]
    .filter((name) => name.startsWith('refs/heads/'))
    .map((name) => name.slice('refs/heads/'.length))

const branchUrl = (call: RepositoryCall, name: string): string =>
  `${repositoryUrl(call.state, call.repository)}/branches/${encodeURIComponent(name)}`

const renderShortBranch = (call: RepositoryCall, name: string) => {
  const sha = call.repository.refs.get(`refs/heads/${name}`) ?? ''
  const url = `${repositoryUrl(call.state, call.repository)}/commits/${sha}`
  return { name, commit: { sha, url }, protected: false }
}
