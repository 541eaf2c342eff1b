import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { closeSync, openSync, statfsSync } from 'node:fs'
import { setPriority } from 'node:os'
import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { type BoundedOutput, createBoundedOutput } from './bounded-output.ts'
import type { LaunchLimit, LaunchOrder, LaunchOutcome, LaunchReport, LaunchRequest } from './launch-messages.ts'
import { isRunning, measureTree, processesMarked, processTree } from './process-tree.ts'

/**
 * A process of its own that starts every command. It holds no keys, has given up root before it starts anything, and is
 * small: starting a process copies the page tables of the one that starts it, which blocks a worker with an embedded
 * database for 15 ms each time. It watches what it started, and ends it when the worker goes away, however that happens.
 */
type Program = {
  request: LaunchRequest
  child: ChildProcess
  output: BoundedOutput
  setupError: BoundedOutput
  info: string
  /** The newest of the output that was not passed on yet. A flood is not passed on whole. */
  unseen: string
  limit: LaunchLimit | null
  killed: boolean
  startedAt: number
}

const watchIntervalMs = 100
/** While a program holds more than half of what it may. */
const closeWatchIntervalMs = 20
const liveCharacters = 16_384
const setupErrorBytes = 4096
/** How long the streams of a program that is gone may stay open, held by a process that fled from it. */
const lingerMs = 500
const goneWithinMs = 2000
const lookAgainMs = 15
/** A disk with less than this left ends what writes to it, before the database on it comes to a halt. */
const diskFloorBytes = 256 * 1024 * 1024
const diskFloorFiles = 5_000
/** bubblewrap and the bash that is the init of its sandbox. */
const confiningProcesses = 2

const programs = new Map<number, Program>()

const report = (message: LaunchReport): void => {
  if (process.connected) process.send?.(message, undefined, {}, () => {})
}

const start = (request: LaunchRequest): void => {
  const startedAt = performance.now()
  const program: Program = {
    request,
    child: spawnProgram(request),
    output: createBoundedOutput(request.interactive ? 0 : request.keptOutputBytes),
    setupError: createBoundedOutput(setupErrorBytes),
    info: '',
    unseen: '',
    limit: null,
    killed: false,
    startedAt,
  }
  programs.set(request.id, program)
  readStreams(program)
  const timer = request.timeoutMs === null ? undefined : endAfter(program, request.timeoutMs)
  program.child.on('error', (error) => {
    clearTimeout(timer)
    program.setupError.add(Buffer.from(error.message))
    finish(program, null, null)
  })
  program.child.on('exit', (exitCode, signal) => {
    clearTimeout(timer)
    if (!request.contained) killLeftovers(program)
    setTimeout(() => closeStreams(program), lingerMs).unref()
    program.child.on('close', () => void finish(program, exitCode, signal))
  })
}

/** A timer of Node that is longer than 24 days fires at once. */
const endAfter = (program: Program, timeoutMs: number): NodeJS.Timeout =>
  setTimeout(() => endProgram(program, 'time'), Math.min(timeoutMs, 2 ** 31 - 1))

const finish = async (program: Program, exitCode: number | null, signal: string | null): Promise<void> => {
  await waitUntilGone(program)
  const { id } = program.request
  if (!programs.delete(id)) return
  passOnOutput(program)
  report({ type: 'done', id, outcome: outcomeOf(program, exitCode, signal) })
}

const spawnProgram = (request: LaunchRequest): ChildProcess => {
  const inherited = request.inheritedFile === null ? null : openSync(request.inheritedFile, 'r')
  const options: SpawnOptions = {
    env: request.env,
    cwd: request.cwd,
    detached: !request.contained,
    stdio: [
      request.interactive ? 'pipe' : 'ignore',
      'pipe',
      'pipe',
      request.contained ? 'pipe' : 'ignore',
      inherited ?? 'ignore',
    ],
  }
  try {
    return spawn(request.file, request.args, options)
  } finally {
    if (inherited !== null) closeSync(inherited)
  }
}

const readStreams = (program: Program): void => {
  const { child, request } = program
  const decoder = new StringDecoder('utf8')
  child.stdout?.on('data', (chunk: Buffer) => {
    program.output.add(chunk)
    if (request.interactive) report({ type: 'output', id: request.id, chunk: decoder.write(chunk) })
    else if (request.live) program.unseen = (program.unseen + decoder.write(chunk)).slice(-liveCharacters)
  })
  child.stderr?.on('data', (chunk: Buffer) => program.setupError.add(chunk))
  const info = child.stdio[3] as Readable | null | undefined
  info?.on('data', (chunk: Buffer) => {
    if (program.info.length < setupErrorBytes) program.info += chunk.toString('utf8')
  })
  for (const stream of [child.stdin, child.stdout, child.stderr, info]) stream?.on('error', () => {})
}

const endProgram = (program: Program, limit: LaunchLimit | null): void => {
  if (program.killed || program.limit !== null) return
  program.limit = limit
  program.killed = true
  killTree(program)
}

/**
 * The end of the init of a process namespace is the end of everything in it, and bubblewrap's own end waits for that. When
 * the init is not known yet, bubblewrap's end takes it along, by the signal that it asked the kernel for.
 */
const killTree = (program: Program): void => {
  const { child, request } = program
  const init = initOf(program)
  if (!request.contained) killLeftovers(program)
  else if (init !== null) kill(init)
  else child.kill('SIGKILL')
  setTimeout(() => child.kill('SIGKILL'), 250).unref()
}

/** Without a process namespace: the group, the tree, and what carries our mark in its environment. Three times, for forks in between. */
const killLeftovers = (program: Program): void => {
  const { child, request } = program
  if (child.pid === undefined) return
  const marker = request.env['JOURNEYMAN_COMMAND']
  for (let round = 0; round < 3; round++) {
    const fled = marker === undefined ? [] : processesMarked(`JOURNEYMAN_COMMAND=${marker}`)
    for (const pid of [...processTree(child.pid).slice(1), ...fled]) kill(pid)
    kill(-child.pid)
  }
}

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {}
}

/** Whoever becomes another program just now shows nothing of its environment for a moment: gone is what two looks do not find. */
const waitForTheFled = async ({ request }: Program): Promise<void> => {
  const marker = request.env['JOURNEYMAN_COMMAND']
  const deadline = performance.now() + goneWithinMs
  for (let unseen = 0; marker !== undefined && unseen < 2 && performance.now() < deadline; ) {
    const fled = processesMarked(`JOURNEYMAN_COMMAND=${marker}`).filter(isRunning)
    for (const pid of fled) kill(pid)
    unseen = fled.length === 0 ? unseen + 1 : 0
    if (unseen < 2) await new Promise((resolve) => setTimeout(resolve, lookAgainMs))
  }
}

const closeStreams = (program: Program): void => {
  program.child.stdout?.destroy()
  program.child.stderr?.destroy()
  ;(program.child.stdio[3] as Readable | null | undefined)?.destroy()
}

/** bubblewrap waits for its namespace to be gone, unless it was itself ended first. */
const waitUntilGone = async (program: Program): Promise<void> => {
  if (!program.request.contained) return waitForTheFled(program)
  const init = initOf(program)
  const deadline = performance.now() + goneWithinMs
  while (init !== null && isRunning(init) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

const initOf = (program: Program): number | null => {
  const pid = /"child-pid"\s*:\s*(\d+)/.exec(program.info)?.[1]
  return pid === undefined ? null : Number(pid)
}

const outcomeOf = (program: Program, exitCode: number | null, signal: string | null): LaunchOutcome => ({
  exitCode: program.killed ? null : exitCode,
  signal: program.killed ? 'SIGKILL' : signal,
  limit: program.limit,
  killed: program.killed,
  output: program.output.text(),
  outputBytes: program.output.totalBytes(),
  setupError: program.setupError.text().trim(),
  durationMs: performance.now() - program.startedAt,
})

const passOnOutput = (program: Program): void => {
  if (program.unseen === '') return
  report({ type: 'output', id: program.request.id, chunk: program.unseen })
  program.unseen = ''
}

const watch = (): void => {
  let isNear = false
  for (const program of programs.values()) {
    passOnOutput(program)
    isNear = measure(program) || isNear
  }
  setTimeout(watch, isNear ? closeWatchIntervalMs : watchIntervalMs)
}

/** Ends what holds too much; says whether it holds so much that it should soon be looked at again. */
const measure = (program: Program): boolean => {
  const { child, request } = program
  if (child.pid === undefined || program.killed) return false
  const pids = processTree(child.pid)
  pids.forEach(lowerPriority)
  const use = measureTree(pids, request.memoryBytes, request.memoryFileSystems)
  if (use.memoryBytes > request.memoryBytes) endProgram(program, 'memory')
  else if (use.processes > request.processes + confiningProcesses) endProgram(program, 'processes')
  else if (isDiskFull(request.disk)) endProgram(program, 'disk')
  return use.memoryBytes > request.memoryBytes / 2
}

/** A command must not slow the worker that renews its lease. What ends before the first look at it is not worth it. */
const lowerPriority = (pid: number): void => {
  try {
    setPriority(pid, 10)
  } catch {}
}

const isDiskFull = (folder: string): boolean => {
  try {
    const disk = statfsSync(folder)
    return disk.bavail * disk.bsize < diskFloorBytes || (disk.files > 0 && disk.ffree < diskFloorFiles)
  } catch {
    return false
  }
}

const obey = (order: LaunchOrder): void => {
  if (order.type === 'start') {
    start(order.request)
    return
  }
  const program = programs.get(order.id)
  if (program === undefined) return
  if (order.type === 'kill') endProgram(program, null)
  else program.child.stdin?.write(order.text)
}

/** The worker has gone, or wants us to go: nothing that was started here may outlive us. */
const endAll = async (): Promise<void> => {
  const running = [...programs.values()]
  for (const program of running) endProgram(program, null)
  await Promise.all(running.map(waitUntilGone))
  process.exit(0)
}

const dropRoot = (uid: number): void => {
  process.setgroups?.([])
  process.setgid?.(uid)
  process.setuid?.(uid)
}

const uid = Number(process.argv[2])
if (uid > 0 && process.getuid?.() === 0) dropRoot(uid)
process.umask(0o022)
process.on('message', obey)
process.on('disconnect', () => void endAll())
// A terminal's Ctrl-C reaches us as well; the worker decides what is to end, and then leaves us.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
watch()
report({ type: 'ready' })
