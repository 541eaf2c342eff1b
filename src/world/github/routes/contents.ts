import { type Answer, notFound, ok } from '../answer.ts'
import { commitOf, git, gitBytes } from '../git.ts'
import { repositoryPage, repositoryUrl } from '../render/repository.ts'
import { type RepositoryCall, type Route, repositoryRoute } from '../route.ts'

export const contentRoutes: Route[] = [
  repositoryRoute('GET /contents/{path}', 'contents:read', (call) => contents(call)),
]

type Entry = { mode: string; type: string; sha: string; size: number; path: string }

const contents = async (call: RepositoryCall): Promise<Answer> => {
  const ref = call.query.get('ref') ?? call.repository.defaultBranch
  const commit = await commitOf(call.repository, ref)
  if (commit === null) return notFound()
  const path = (call.parameters['path'] ?? '').replace(/\/+$/, '')
  const [entry] = await entries(call, commit, [path])
  if (entry === undefined) return notFound()
  if (entry.type === 'tree') {
    const children = await entries(call, commit, [`${path}/`])
    return ok(children.map((child) => renderEntry(call, ref, child)))
  }
  const bytes = await gitBytes(call.repository, ['cat-file', 'blob', entry.sha])
  if (call.accept.includes('raw')) return { status: 200, text: bytes.toString() }
  if (entry.mode === '120000')
    return ok({ ...renderEntry(call, ref, entry), type: 'symlink', target: bytes.toString() })
  const content = bytes.toString('base64').replace(/.{60}/g, '$&\n')
  return ok({ ...renderEntry(call, ref, entry), type: 'file', encoding: 'base64', content: `${content}\n` })
}

const entries = async (call: RepositoryCall, commit: string, paths: string[]): Promise<Entry[]> => {
  const listed = await git(call.repository, ['ls-tree', '-l', '-z', commit, '--', ...paths])
  return listed
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const [head = '', path = ''] = line.split('\t')
      const [mode = '', type = '', sha = '', size = ''] = head.split(/ +/)
      return { mode, type, sha, size: Number(size) || 0, path }
    })
}

const renderEntry = (call: RepositoryCall, ref: string, entry: Entry) => {
  const path = entry.path.split('/').map(encodeURIComponent).join('/')
  const page = `${repositoryPage(call.state, call.repository)}`
  const url = `${repositoryUrl(call.state, call.repository)}/contents/${path}?ref=${encodeURIComponent(ref)}`
  const kind = entry.type === 'tree' ? 'tree' : 'blob'
  const gitUrl = `${repositoryUrl(call.state, call.repository)}/git/${kind}s/${entry.sha}`
  const htmlUrl = `${page}/${kind}/${ref}/${path}`
  return {
    type: entry.type === 'tree' ? 'dir' : entry.mode === '120000' ? 'symlink' : 'file',
    name: entry.path.split('/').at(-1) ?? '',
    path: entry.path,
    sha: entry.sha,
    size: entry.size,
    url,
    git_url: gitUrl,
    html_url: htmlUrl,
    download_url: entry.type === 'tree' ? null : `${page}/raw/${ref}/${path}`,
    _links: { self: url, git: gitUrl, html: htmlUrl },
  }
}
