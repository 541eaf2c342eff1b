import { type Answer, notFound, ok, refused } from '../answer.ts'
import { commitOf, git } from '../git.ts'
import { paginate } from '../paginate.ts'
import { readCommits } from '../read-commit.ts'
import { readDiff } from '../read-diff.ts'
import { renderCommit, renderDiffFile } from '../render/commit.ts'
import { renderSimplePull } from '../render/pull.ts'
import { repositoryPage, repositoryUrl } from '../render/repository.ts'
import { type RepositoryCall, type Route, repositoryRoute } from '../route.ts'

const maxFiles = 300
const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

export const commitRoutes: Route[] = [
  repositoryRoute('GET /commits', 'contents:read', async (call) => {
    const start = await commitOf(call.repository, call.query.get('sha') ?? call.repository.defaultBranch)
    if (start === null) return notFound()
    const commits = await readCommits(call.repository, [start])
    return paginate(call, commits, (commit) => renderCommit(call.state, call.repository, commit))
  }),
  repositoryRoute('GET /commits/{ref}', 'contents:read', (call) => oneCommit(call)),
  repositoryRoute('GET /commits/{commit_sha}/pulls', 'pull_requests:read', async (call) => {
    const sha = call.parameters['commit_sha']
    const pulls = [...call.repository.pulls.values()].filter((pull) => pull.headSha === sha)
    return paginate(call, pulls, (pull) => renderSimplePull(call.state, call.repository, pull))
  }),
  repositoryRoute('GET /compare/{basehead}', 'contents:read', (call) => compare(call)),
]

const oneCommit = async (call: RepositoryCall): Promise<Answer> => {
  const sha = await commitOf(call.repository, call.parameters['ref'] ?? '')
  if (sha === null) return refused(422, `No commit found for SHA: ${call.parameters['ref']}`)
  const [commit] = await readCommits(call.repository, ['-1', sha])
  const files = await readDiff(call.repository, commit?.parents[0] ?? emptyTree, sha)
  const additions = files.reduce((sum, file) => sum + file.additions, 0)
  const deletions = files.reduce((sum, file) => sum + file.deletions, 0)
  return ok({
    ...renderCommit(call.state, call.repository, commit!),
    stats: { additions, deletions, total: additions + deletions },
    files: files.slice(0, maxFiles).map((file) => renderDiffFile(call.state, call.repository, sha, file)),
  })
}

const compare = async (call: RepositoryCall): Promise<Answer> => {
  const range = call.parameters['basehead'] ?? ''
  const [baseName = '', headName = ''] = range.split('...')
  const [base, head] = await Promise.all([commitOf(call.repository, baseName), commitOf(call.repository, headName)])
  if (base === null || head === null) return notFound()
  const common = (await git(call.repository, ['merge-base', base, head]).catch(() => '')).trim()
  if (common === '') return refused(404, `No common ancestor between ${baseName} and ${headName}.`)
  if (call.accept.includes('diff')) {
    return {
      status: 200,
      text: await git(call.repository, ['diff', '--no-color', '--no-ext-diff', common, head]),
    }
  }
  return ok(await renderComparison(call, { range, base, head, common }))
}

type Comparison = { range: string; base: string; head: string; common: string }

const renderComparison = async (call: RepositoryCall, { range, base, head, common }: Comparison) => {
  const [ahead, behind, ends, files] = await Promise.all([
    readCommits(call.repository, [`${base}..${head}`]),
    readCommits(call.repository, [`${head}..${base}`]),
    readCommits(call.repository, ['--no-walk=unsorted', base, common]),
    readDiff(call.repository, common, head),
  ])
  const endOf = (sha: string) => renderCommit(call.state, call.repository, ends.find((each) => each.sha === sha)!)
  const page = `${repositoryPage(call.state, call.repository)}/compare/${range}`
  const away = ahead.length > 0 ? 'ahead' : behind.length > 0 ? 'behind' : 'identical'
  return {
    url: `${repositoryUrl(call.state, call.repository)}/compare/${range}`,
    html_url: page,
    permalink_url: page,
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    base_commit: endOf(base),
    merge_base_commit: endOf(common),
    status: ahead.length > 0 && behind.length > 0 ? 'diverged' : away,
    ahead_by: ahead.length,
    behind_by: behind.length,
    total_commits: ahead.length,
    commits: ahead.reverse().map((commit) => renderCommit(call.state, call.repository, commit)),
    files: files.slice(0, maxFiles).map((file) => renderDiffFile(call.state, call.repository, head, file)),
  }
}
