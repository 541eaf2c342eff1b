import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'

/**
 * Runs inside the sandbox and attempts to get out of it. What it is told are the places and the secrets of the host that
 * lie in wait for it; each attempt says whether the sandbox held, and how the probe knows.
 */
export type ProbeRequest = {
  worktree: string
  /** Files and folders of the host that may not be seen. */
  unreadable: string[]
  unwritable: string[]
  canary: string
  tcpPort: number
  abstractSocket: string
}

export type Attempt = { name: string; held: boolean; detail: string }

const request = JSON.parse(String(process.argv[2])) as ProbeRequest

const attemptRead = (path: string): Attempt => {
  const name = `read ${path}`
  try {
    const entries = readdirSync(path)
    return { name, held: entries.length === 0, detail: `${entries.length} entries are seen` }
  } catch {}
  try {
    readFileSync(path)
    return { name, held: false, detail: 'it was read' }
  } catch (error) {
    return { name, held: true, detail: codeOf(error) }
  }
}

const attemptWrite = (path: string): Attempt => {
  try {
    writeFileSync(path, 'escaped')
    return { name: `write ${path}`, held: false, detail: 'it was written' }
  } catch (error) {
    return { name: `write ${path}`, held: true, detail: codeOf(error) }
  }
}

/** The host runs a process of our own uid with the canary in its environment. */
const attemptEnvironments = (): Attempt => {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const seen = processes.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(request.canary)
    } catch {
      return false
    }
  })
  const detail = seen.length === 0 ? `${processes.length} processes are seen, all of the sandbox` : 'a secret was read'
  return { name: 'read /proc/*/environ of the host', held: seen.length === 0, detail }
}

const attemptConnect = (name: string, target: { host: string; port: number } | { path: string }): Promise<Attempt> =>
  new Promise((resolve) => {
    const socket = connect(target)
    socket.on('connect', () => {
      socket.destroy()
      resolve({ name, held: false, detail: 'it was connected' })
    })
    socket.on('error', (error) => resolve({ name, held: true, detail: codeOf(error) }))
    socket.setTimeout(1000, () => {
      socket.destroy()
      resolve({ name, held: true, detail: 'no answer' })
    })
  })

/** What the kernel says of this process, in case there is no interpreter at hand that can make bare system calls. */
const readStatus = (): Attempt[] => {
  const status = readFileSync('/proc/self/status', 'utf8')
  const is = (name: string, line: RegExp): Attempt => ({
    name,
    held: line.test(status),
    detail: 'as /proc/self/status has it',
  })
  return [
    is('hold a capability', /^CapEff:\s+0+$/m),
    is('gain privileges from a setuid program', /^NoNewPrivs:\s+1$/m),
    is('make system calls without a filter', /^Seccomp:\s+2$/m),
  ]
}

/** Numbers of x86-64 and arm64; what follows are arguments that would do something if they were let. */
const systemCalls: [name: string, x64: number, arm64: number, ...args: (number | string)[]][] = [
  ['set up an io_uring', 425, 425, 1, 'buffer'],
  ['trace a process', 101, 117, 0, 0, 0, 0],
  ['read a keyring', 250, 219, 0, -3, 1],
  ['remount the system as writable', 165, 40, 0, '/usr', 0, 0x1020, 0],
  ['make a namespace with unshare', 272, 97, 0x1000_0000],
  ['open a socket to the hypervisor', 41, 198, 40, 1, 0],
]

const perl = '/usr/bin/perl'
const forkBomb = 'start processes without end'

/** Perl is a part of every Debian, and makes system calls by number. The last line is a fork bomb, as far as it gets. */
const perlProgram = (): string => {
  const numbered = systemCalls.map(([name, x64, arm64, ...args]) => {
    // Perl hands on numbers as they are and texts as pointers; a constant text it refuses, since it might be changed.
    const values = args.map((arg) => (arg === 'buffer' ? '$b' : typeof arg === 'string' ? `(my $s = "${arg}")` : arg))
    return `a("${name}", ${[process.arch === 'x64' ? x64 : arm64, ...values].join(', ')});`
  })
  return [
    '$| = 1; my $b = "\\0" x 256;',
    'sub a { my $n = shift; my $r = syscall($_[0], @_[1..$#_]); print "$n\\t", $r == -1 ? "" : "allowed", "\\t$!\\n" }',
    ...numbered,
    'my $made = 0; my @kids; for (1..200) { my $p = fork(); last if !defined $p; if (!$p) { sleep 5; exit } push @kids, $p; $made++ }',
    `print "${forkBomb}\\t", $made < 200 ? "" : "allowed", "\\t$made were started\\n"; kill 9, @kids;`,
  ].join('\n')
}

const attemptSystemCalls = (): Promise<Attempt[]> =>
  new Promise((resolve) => {
    if (!existsSync(perl)) {
      resolve([])
      return
    }
    execFile(perl, ['-e', perlProgram()], { timeout: 3000, killSignal: 'SIGKILL' }, (_error, output) => {
      const lines = output.split('\n').map((line) => line.split('\t'))
      resolve(
        [...systemCalls.map(([name]) => name), forkBomb].map((name) => {
          const line = lines.find(([said]) => said === name)
          return { name, held: line?.[1] === '', detail: line?.[2] ?? 'the attempt did not come back' }
        }),
      )
    })
  })

const attemptCommand = (name: string, file: string, args: string[]): Promise<Attempt | null> =>
  new Promise((resolve) => {
    if (!existsSync(file)) resolve(null)
    else
      execFile(file, args, { timeout: 3000, killSignal: 'SIGKILL' }, (error) =>
        resolve({ name, held: error !== null, detail: error === null ? 'it succeeded' : 'it was refused' }),
      )
  })

const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException).code ?? error)

/** Not an escape: without this, "nothing could be written" would pass for a sandbox that does not work at all. */
const workIsPossible = (): Attempt => {
  try {
    writeFileSync(`${request.worktree}/probe`, request.canary)
    const same = readFileSync(`${request.worktree}/probe`, 'utf8') === request.canary
    return { name: 'work in the work tree', held: same, detail: 'written and read back' }
  } catch (error) {
    return { name: 'work in the work tree', held: false, detail: codeOf(error) }
  }
}

const results = await Promise.all([
  attemptSystemCalls(),
  attemptCommand('nest a user namespace', '/usr/bin/unshare', ['--user', '--map-root-user', '/bin/true']),
  attemptConnect('connect to a listener of the host', { host: '127.0.0.1', port: request.tcpPort }),
  attemptConnect('connect to an abstract socket of the host', { path: `\0${request.abstractSocket}` }),
])
const attempts: Attempt[] = [
  workIsPossible(),
  ...request.unreadable.map(attemptRead),
  ...request.unwritable.map(attemptWrite),
  attemptEnvironments(),
  ...readStatus(),
  ...results.flat().filter((attempt) => attempt !== null),
]
process.stdout.write(JSON.stringify(attempts))
