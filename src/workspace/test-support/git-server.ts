import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

/** Where the programs of these suites are found. */
export const testPath = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin'

export const testCredential = { username: 'x-access-token', password: 'tok3n-of-this-test' }

export type TestFile = string | { content: string; mode: 'link' | 'executable' }

export type TestGitServer = {
  folder: string
  /** A bare repository served over HTTP, these files its first commit on `main`. */
  createRepository: (name: string, files: Record<string, TestFile>) => Promise<TestRepository>
  /** What the next requests that match get instead of an answer. */
  faultAt: { method: string; path: RegExp; times?: number; fault: number | 'drop' | 'drop_after' | 'hang' } | undefined
  requests: string[]
  close: () => Promise<void>
}

export type TestRepository = {
  url: string
  gitDir: string
  git: (...args: string[]) => Promise<string>
  /** A commit by somebody else. */
  commit: (branch: string, files: Record<string, TestFile>, message?: string) => Promise<string>
}

const execute = promisify(execFile)

/** Plain git for arranging and asserting; with an identity, and without anybody's configuration. */
export const plainGit = async (cwd: string, ...args: string[]): Promise<string> => {
  const env = {
    PATH: testPath,
    HOME: cwd,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    ...Object.fromEntries(
      ['AUTHOR', 'COMMITTER'].flatMap((who) => [
        [`GIT_${who}_NAME`, 'Someone'],
        [`GIT_${who}_EMAIL`, 'someone@example.com'],
      ]),
    ),
  }
  const { stdout } = await execute('git', args, { cwd, env, maxBuffer: 64 * 1024 * 1024 })
  return stdout
}

export const writeFiles = async (root: string, files: Record<string, TestFile>): Promise<void> => {
  for (const [path, file] of Object.entries(files)) {
    const full = join(root, path)
    await mkdir(dirname(full), { recursive: true })
    await rm(full, { force: true })
    if (typeof file === 'string') await writeFile(full, file)
    else if (file.mode === 'link') await symlink(file.content, full)
    else await writeFile(full, file.content, { mode: 0o755 })
  }
}

/** Real git over HTTP on loopback, with Basic authentication. */
export const startGitServer = async (): Promise<TestGitServer> => {
  const folder = await mkdtemp(join(tmpdir(), 'git-server-'))
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const meant = self.faultAt?.method === request.method && self.faultAt?.path.test(pathname)
    const fault = meant ? self.faultAt?.fault : undefined
    if (meant && self.faultAt) {
      const times = (self.faultAt.times ?? 1) - 1
      self.faultAt = times > 0 ? { ...self.faultAt, times } : undefined
    }
    if (fault === 'hang') return
    if (fault === 'drop') return void request.socket.destroy()
    if (typeof fault === 'number') return void response.writeHead(fault).end('no')
    const expected = `Basic ${Buffer.from(`${testCredential.username}:${testCredential.password}`).toString('base64')}`
    if (request.headers.authorization !== expected) {
      return void response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
    }
    serve(folder, request, response, fault === 'drop_after')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const self: TestGitServer = {
    folder,
    faultAt: undefined,
    requests,
    createRepository: (name, files) => createRepository(folder, `http://127.0.0.1:${port}`, name, files),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
  return self
}

const createRepository = async (
  folder: string,
  address: string,
  name: string,
  files: Record<string, TestFile>,
): Promise<TestRepository> => {
  const gitDir = join(folder, `${name}.git`)
  await plainGit(folder, 'init', '-q', '--bare', '-b', 'main', gitDir)
  await plainGit(gitDir, 'config', 'http.receivepack', 'true')
  const commit: TestRepository['commit'] = async (branch, changed, message = 'A change') => {
    const tree = await mkdtemp(join(tmpdir(), 'commit-'))
    const known = await plainGit(gitDir, 'rev-parse', '--verify', '--quiet', branch).catch(() => undefined)
    await plainGit(tree, 'clone', '-q', gitDir, 'work', ...(known ? ['-b', branch] : []))
    const work = join(tree, 'work')
    if (!known) await plainGit(work, 'checkout', '-q', '-B', branch)
    await writeFiles(work, changed)
    await plainGit(work, 'add', '-A', '-f')
    await plainGit(work, 'commit', '-q', '--allow-empty', '-m', message)
    await plainGit(work, 'push', '-q', 'origin', `HEAD:refs/heads/${branch}`)
    await rm(tree, { recursive: true, force: true })
    return (await plainGit(gitDir, 'rev-parse', branch)).trim()
  }
  await commit('main', files, 'The beginning')
  return { url: `${address}/${name}.git`, gitDir, git: (...args) => plainGit(gitDir, ...args), commit }
}

/** The CGI protocol: a head of lines, an empty line, the body. */
const serve = (folder: string, request: IncomingMessage, response: ServerResponse, dropAfter: boolean): void => {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: testPath,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      REMOTE_USER: 'test',
      REMOTE_ADDR: '127.0.0.1',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      ...(request.headers['content-length'] && { CONTENT_LENGTH: request.headers['content-length'] }),
      ...(request.headers['content-encoding'] && { HTTP_CONTENT_ENCODING: request.headers['content-encoding'] }),
      ...(request.headers['git-protocol'] && { GIT_PROTOCOL: String(request.headers['git-protocol']) }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  request.pipe(backend.stdin)
  backend.stdin.on('error', () => {})
  const chunks: Buffer[] = []
  backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  backend.on('close', () => {
    if (dropAfter) return void request.socket.destroy()
    const answer = Buffer.concat(chunks)
    const headEnd = answer.indexOf('\r\n\r\n')
    const headers = answer
      .subarray(0, headEnd)
      .toString()
      .split('\r\n')
      .map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string])
    const status = Number(headers.find(([name]) => name === 'Status')?.[1].slice(0, 3) ?? 200)
    response.writeHead(status, Object.fromEntries(headers.filter(([name]) => name !== 'Status')))
    response.end(answer.subarray(headEnd + 4))
  })
}
