import { type ErrorCode, errorCodes, JourneymanError } from '../../domain/errors.ts'
import type { FileTools } from '../contract.ts'
import type { Confinement } from './confinement.ts'
import { insidePaths } from './environment.ts'
import type { Launched } from './launcher.ts'

/** The file tools of one work tree. After `close` they answer `shutting_down`. */
export type SandboxedFiles = FileTools & { close: () => Promise<void> }

type Answer = { id: number; result?: unknown; refusal?: { code: string; message: string } }
type Waiting = { resolve: (result: unknown) => void; reject: (error: Error) => void }
type Server = { launched: Launched; waiting: Map<number, Waiting>; unread: string }

const maxAnswerCharacters = 32 * 1024 * 1024
const maxWaiting = 1000

/** A server inside the sandbox, started at the first use and again when it has ended. */
export const createFileServer = (confinement: Confinement, root: string, scratch: string): SandboxedFiles => {
  let server: Server | null = null
  let lastId = 0
  let closed = false

  const start = (): Server => {
    const started: Server = {
      waiting: new Map(),
      unread: '',
      launched: confinement.launch(serverProgram(confinement, root, scratch), (chunk) => receive(started, chunk)),
    }
    const end = (error: unknown): void => {
      if (server === started) server = null
      rejectAll(started, error)
    }
    started.launched.outcome.then((outcome) => end(endOf(outcome.setupError)), end)
    return started
  }

  const ask = <T>(question: Record<string, unknown>): Promise<T> => {
    if (closed) throw new JourneymanError('shutting_down', 'The files of this work tree are closed.')
    server ??= start()
    const { waiting, launched } = server
    if (waiting.size >= maxWaiting) throw new JourneymanError('overloaded', 'Too many file operations are waiting.')
    const id = ++lastId
    const answer = new Promise<T>((resolve, reject) =>
      waiting.set(id, { resolve: resolve as Waiting['resolve'], reject }),
    )
    launched.write(`${JSON.stringify({ id, ...question })}\n`)
    return answer
  }

  return {
    read: async (path) => ask({ verb: 'read', path }),
    write: async (path, content) => ask({ verb: 'write', path, content }),
    list: async (path, depth, limit) => ask({ verb: 'list', path, depth, limit }),
    search: async ({ pattern, path, glob, ignoreCase, limit }) =>
      ask({
        verb: 'search',
        pattern,
        path: path ?? '',
        glob: glob ?? null,
        ignoreCase: ignoreCase ?? false,
        limit,
      }),
    close: async () => {
      closed = true
      server?.launched.kill()
      await server?.launched.outcome.catch(() => null)
    },
  }
}

const serverProgram = ({ kind, tools }: Confinement, root: string, scratch: string) => ({
  root,
  scratch,
  proxyFolder: null,
  command:
    kind === 'bubblewrap'
      ? [insidePaths.node, ...serverFlags, insidePaths.fileServer, insidePaths.worktree, insidePaths.ripgrep]
      : [tools.node, ...serverFlags, tools.fileServer, root, tools.ripgrep],
  joinErrors: false,
  interactive: true,
  timeoutMs: null,
  keptOutputBytes: 0,
  // It lives as long as the workspace; the time of its processor is not that of one command.
  limits: { cpu_seconds: 86_400 },
})

const serverFlags = ['--max-old-space-size=256']

const receive = (server: Server, chunk: string): void => {
  const lines = (server.unread + chunk).split('\n')
  server.unread = lines.pop() ?? ''
  if (server.unread.length > maxAnswerCharacters) server.launched.kill()
  for (const line of lines) {
    const answer = JSON.parse(line) as Answer
    const waiting = server.waiting.get(answer.id)
    server.waiting.delete(answer.id)
    if (answer.refusal === undefined) waiting?.resolve(answer.result)
    else waiting?.reject(new JourneymanError(codeFrom(answer.refusal.code), answer.refusal.message))
  }
}

const rejectAll = (server: Server, error: unknown): void => {
  for (const { reject } of server.waiting.values()) reject(error as Error)
  server.waiting.clear()
}

const endOf = (complaint: string): JourneymanError =>
  complaint.startsWith('bwrap:')
    ? new JourneymanError('sandbox_unavailable', `The sandbox did not start: ${complaint.slice(0, 500)}`)
    : new JourneymanError('unavailable', 'The file server of the sandbox has ended. Try again.')

const codeFrom = (code: string): ErrorCode => errorCodes.find((known) => known === code) ?? 'internal'
