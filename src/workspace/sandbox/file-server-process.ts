import { isUtf8 } from 'node:buffer'
import { spawn } from 'node:child_process'
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import { createInterface } from 'node:readline'

/**
 * Answers the file tools of an agent from inside the sandbox, one JSON line for each. Commands of the agent run at the same
 * time and may rename, link and replace what is looked at here: each operation therefore asks the kernel what the opened
 * descriptor is, and works on that. Run bare, those checks are the whole defence against a link that leads outside.
 */
type Request =
  | { id: number; verb: 'read'; path: string }
  | { id: number; verb: 'write'; path: string; content: string }
  | { id: number; verb: 'list'; path: string; depth: number; limit: number }
  | {
      id: number
      verb: 'search'
      pattern: string
      path: string
      glob: string | null
      ignoreCase: boolean
      limit: number
    }

type Entry = { path: string; kind: 'file' | 'directory' | 'symlink'; bytes: number }
type Match = { path: string; line: number; text: string }

const maxFileBytes = 2 * 1024 * 1024
const maxDirectoryEntries = 20_000
const maxLineCharacters = 500
const searchMs = 20_000
const maxSearchErrorBytes = 2000

const [rootGiven, ripgrep] = process.argv.slice(2)
const root = realpathSync(String(rootGiven))

class Refusal extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

const read = (path: string): string =>
  withFile(path, constants.O_RDONLY, (descriptor) => {
    const bytes = Buffer.alloc(requireText(descriptor, path).size)
    let used = 0
    while (used < bytes.length) {
      const got = readSync(descriptor, bytes, used, bytes.length - used, null)
      if (got === 0) break
      used += got
    }
    const content = bytes.subarray(0, used)
    if (content.includes(0) || !isUtf8(content)) throw new Refusal('invalid_input', `${path} is a binary file.`)
    return content.toString('utf8')
  })

const write = (path: string, content: string): null => {
  const bytes = Buffer.from(content, 'utf8')
  if (bytes.length > maxFileBytes) throw tooLarge(path)
  makeFolders(dirname(inside(path)))
  // Not truncated while opening: first it is asked what was opened.
  withFile(path, constants.O_WRONLY | constants.O_CREAT, (descriptor) => {
    if (!fstatSync(descriptor).isFile()) throw new Refusal('invalid_input', `${path} is not a file.`)
    ftruncateSync(descriptor, 0)
    for (let used = 0; used < bytes.length; ) used += writeSync(descriptor, bytes, used)
  })
  return null
}

/** Level by level, so that a limit leaves out what is deep and not what is late in the alphabet. */
const list = (path: string, depth: number, limit: number): Entry[] => {
  const found: Entry[] = []
  let level = [inside(path)]
  for (let deep = 0; deep < depth && level.length > 0 && found.length < limit; deep++) {
    const below: string[] = []
    for (const folder of level) {
      for (const entry of entriesOf(folder, deep === 0)) {
        if (found.length >= limit) return found
        found.push(entry)
        if (entry.kind === 'directory' && !isCrowded(entry.path)) below.push(join(root, entry.path))
      }
    }
    level = below
  }
  return found
}

const search = (request: Extract<Request, { verb: 'search' }>): Promise<Match[]> => {
  const folder = inside(request.path)
  requireWithin(realpathSync(folder), request.path)
  const args = [
    '--no-config',
    '--json',
    '--hidden',
    '--no-require-git',
    '--glob=!.git',
    '--max-columns=2000',
    '--max-filesize=4M',
  ]
  if (request.ignoreCase) args.push('--ignore-case')
  if (request.glob !== null) args.push(`--glob=${request.glob}`)
  args.push(`--regexp=${request.pattern}`, '--', relative(root, folder) || '.')
  return runRipgrep(args, request.limit)
}

const runRipgrep = (args: string[], limit: number): Promise<Match[]> =>
  new Promise((resolve, reject) => {
    const matches: Match[] = []
    const child = spawn(String(ripgrep), args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), searchMs)
    let complaint = ''
    child.stderr.on('data', (chunk: Buffer) => {
      if (complaint.length < maxSearchErrorBytes) complaint += chunk.toString('utf8')
    })
    createInterface({ input: child.stdout }).on('line', (line) => {
      const match = matches.length < limit ? matchOf(line) : null
      if (match !== null) matches.push(match)
      if (matches.length >= limit) child.kill('SIGKILL')
    })
    child.on('error', (error) => reject(new Refusal('internal', `The search did not start: ${error.message}`)))
    child.on('close', (code) => {
      clearTimeout(timer)
      // 2 without a match is a wrong pattern; with matches it is a file that could not be read.
      if (code === 2 && matches.length === 0) reject(new Refusal('invalid_input', complaint.trim()))
      else resolve(matches)
    })
  })

const matchOf = (line: string): Match | null => {
  const event = JSON.parse(line) as {
    type: string
    data: { path?: { text?: string }; lines?: { text?: string }; line_number?: number | null }
  }
  const { path, lines, line_number: number } = event.data
  if (event.type !== 'match' || path?.text === undefined || lines?.text === undefined) return null
  const text = lines.text.replace(/\r?\n$/, '').slice(0, maxLineCharacters)
  return { path: path.text.replace(/^\.\//, ''), line: number ?? 0, text }
}

/** By the path's own letters, before anything is opened. */
const inside = (path: string): string => {
  if (path.includes('\0')) throw new Refusal('invalid_input', 'A path cannot contain a zero byte.')
  const full = join(root, path)
  if (path.startsWith('/') || (full !== root && !full.startsWith(root + sep))) throw outside(path)
  return full
}

/**
 * Opens without waiting (a pipe would hold us for ever), asks the kernel where the descriptor is, and only then uses it.
 * A new file is made through the descriptor of its folder, so that a folder which is replaced meanwhile changes nothing.
 */
const withFile = <T>(path: string, flags: number, use: (descriptor: number) => T): T => {
  const target = resolved(inside(path), path)
  const folder = openSync(dirname(target), constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    requireWithin(whereIs(folder), path)
    const through = `/proc/self/fd/${folder}/${basename(target)}`
    const descriptor = openSync(
      through,
      flags | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY,
      0o644,
    )
    try {
      return use(descriptor)
    } finally {
      closeSync(descriptor)
    }
  } finally {
    closeSync(folder)
  }
}

/** With every link followed; of a file that is not there yet, its folder. */
const resolved = (full: string, path: string): string => {
  const real = isThere(full) ? realpathSync(full) : join(realpathSync(dirname(full)), basename(full))
  if (real === root) throw new Refusal('invalid_input', `${path === '' ? 'The path' : path} is a directory.`)
  return requireWithin(real, path)
}

/** One after the other, each seen to be a folder of the work tree before the next is made in it. */
const makeFolders = (full: string): void => {
  let folder = root
  for (const name of relative(root, full).split(sep).filter(Boolean)) {
    folder = join(folder, name)
    if (!isThere(folder)) mkdirSync(folder, { mode: 0o755 })
    folder = requireWithin(realpathSync(folder), relative(root, folder))
  }
}

const entriesOf = (folder: string, named: boolean): Entry[] => {
  requireWithin(realpathSync(folder), relative(root, folder))
  if (!named && lstatSync(folder).isSymbolicLink()) return []
  const directory = opendirSync(folder)
  const entries: Entry[] = []
  try {
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      if (entries.length >= maxDirectoryEntries) break
      const kind = entry.isSymbolicLink() ? 'symlink' : entry.isDirectory() ? 'directory' : 'file'
      const full = join(folder, entry.name)
      entries.push({ path: relative(root, full), kind, bytes: kind === 'file' ? sizeOf(full) : 0 })
    }
  } finally {
    directory.closeSync()
  }
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1))
}

const requireText = (descriptor: number, path: string): { size: number } => {
  const status = fstatSync(descriptor)
  if (status.isDirectory()) throw new Refusal('invalid_input', `${path} is a directory.`)
  if (!status.isFile()) throw new Refusal('invalid_input', `${path} is not a regular file.`)
  if (status.size > maxFileBytes) throw tooLarge(path)
  return status
}

const requireWithin = (real: string, path: string): string => {
  if (real !== root && !real.startsWith(root + sep)) throw outside(path)
  return real
}

const whereIs = (descriptor: number): string => readlinkSync(`/proc/self/fd/${descriptor}`)

const isThere = (full: string): boolean => lstatSync(full, { throwIfNoEntry: false }) !== undefined

const sizeOf = (full: string): number => lstatSync(full, { throwIfNoEntry: false })?.size ?? 0

/** Shown, but not walked into unless they are asked for by name. */
const isCrowded = (path: string): boolean => ['.git', 'node_modules'].includes(basename(path))

const outside = (path: string): Refusal =>
  new Refusal('invalid_input', `${path} leads out of the work tree. Paths are relative to it.`)

const tooLarge = (path: string): Refusal =>
  new Refusal('too_large', `${path} is larger than ${maxFileBytes / 1024 / 1024} MB. Use a command on it.`)

/** What the file system says, in the codes of the house. */
const refusalOf = (error: unknown, path: string): { code: string; message: string } => {
  if (error instanceof Refusal) return { code: error.code, message: error.message }
  const { code, message } = error as NodeJS.ErrnoException
  const known = code === undefined ? undefined : fileErrors[code]
  return known === undefined ? { code: 'internal', message } : { code: known[0], message: `${path} ${known[1]}.` }
}

const fileErrors: Record<string, [code: string, sentence: string]> = {
  ENOENT: ['not_found', 'does not exist'],
  ENOTDIR: ['invalid_input', 'goes through a file, or is not a directory'],
  EISDIR: ['invalid_input', 'is a directory'],
  ELOOP: ['invalid_input', 'is a symbolic link that leads nowhere, or was replaced by one just now'],
  EACCES: ['invalid_input', 'may not be opened'],
  EPERM: ['invalid_input', 'may not be opened'],
  ENXIO: ['invalid_input', 'is not a regular file'],
  ENAMETOOLONG: ['invalid_input', 'is too long a name'],
  EEXIST: ['invalid_input', 'was made by another command just now'],
  EROFS: ['invalid_input', 'may not be written'],
  EFBIG: ['too_large', 'would be larger than a file may be'],
  ENOSPC: ['too_large', 'does not fit on the disk'],
}

const answer = async (request: Request): Promise<unknown> => {
  if (request.verb === 'read') return read(request.path)
  if (request.verb === 'write') return write(request.path, request.content)
  if (request.verb === 'list') return list(request.path, request.depth, request.limit)
  return search(request)
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const request = JSON.parse(line) as Request
  answer(request).then(
    (result) => process.stdout.write(`${JSON.stringify({ id: request.id, result })}\n`),
    (error) => process.stdout.write(`${JSON.stringify({ id: request.id, refusal: refusalOf(error, request.path) })}\n`),
  )
})
process.stdin.on('end', () => process.exit(0))
