import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { JourneymanError } from '../domain/errors.ts'

export type ProcessRequest = {
  file: string
  args: string[]
  cwd: string
  /** The whole environment of the process; nothing is inherited. */
  env: Record<string, string>
  input: string | Buffer | undefined
  timeoutMs: number
  maxOutputBytes: number
  signal: AbortSignal | undefined
  /** Another user to run as; only root can ask for it. */
  identity: { uid: number; gid: number } | undefined
}

export type ProcessResult = {
  exitCode: number | null
  stdout: Buffer
  stderr: string
  /** The output was longer than allowed: the process was ended and `stdout` is its beginning. */
  truncated: boolean
  timedOut: boolean
}

const maxErrorBytes = 64 * 1024

/**
 * Runs a program of the host with everything bounded: time, output, lifetime. It gets a process group of its own, so that
 * what it started ends with it. Rejects only when it cannot be started, or with the signal's reason.
 */
export const runBoundedProcess = (request: ProcessRequest): Promise<ProcessResult> =>
  new Promise((resolve, reject) => {
    if (request.signal?.aborted) return reject(abortReason(request.signal))
    const child = spawn(request.file, request.args, {
      cwd: request.cwd,
      env: request.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      ...request.identity,
    })
    const end = () => endGroup(child)
    const stdout = collect(child.stdout, request.maxOutputBytes, end)
    const stderr = collect(child.stderr, maxErrorBytes, () => {})
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      end()
    }, request.timeoutMs)
    request.signal?.addEventListener('abort', end, { once: true })
    const settle = () => {
      clearTimeout(timer)
      request.signal?.removeEventListener('abort', end)
    }
    child.on('error', (error) => {
      settle()
      reject(startFailure(request, error))
    })
    child.on('close', (exitCode) => {
      settle()
      if (request.signal?.aborted) return reject(abortReason(request.signal))
      const { bytes, overflowed } = stdout()
      resolve({ exitCode, stdout: bytes, stderr: stderr().bytes.toString('utf8'), truncated: overflowed, timedOut })
    })
    // A process that ends without reading its input closes the pipe; its exit code says what there is to say.
    child.stdin.on('error', () => {})
    child.stdin.end(request.input)
  })

/** The system says "no such file" of a missing program and of a missing folder alike. */
const startFailure = ({ file, cwd }: ProcessRequest, cause: NodeJS.ErrnoException): JourneymanError => {
  if (cause.code !== 'ENOENT')
    return new JourneymanError('internal', `${file} cannot be started: ${cause.message}`, { cause })
  if (!existsSync(cwd)) return new JourneymanError('workspace_lost', `The folder ${cwd} is gone.`, { cause })
  const nextAction = `Install ${file}, and see that it lies in a folder where programs are looked for.`
  return new JourneymanError('invalid_configuration', `There is no ${file} on this machine.`, { nextAction, cause })
}

const endGroup = (child: ChildProcess): void => {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}

const collect = (stream: NodeJS.ReadableStream, limit: number, onOverflow: () => void) => {
  const chunks: Buffer[] = []
  let kept = 0
  let overflowed = false
  stream.on('data', (chunk: Buffer) => {
    if (overflowed) return
    overflowed = kept + chunk.length > limit
    chunks.push(overflowed ? chunk.subarray(0, limit - kept) : chunk)
    kept += chunk.length
    if (overflowed) onOverflow()
  })
  return () => ({ bytes: Buffer.concat(chunks), overflowed })
}

export const abortReason = (signal: AbortSignal): unknown =>
  signal.reason instanceof JourneymanError ? signal.reason : new JourneymanError('stopped', 'The work was stopped.')
