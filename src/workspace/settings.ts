import { LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { JourneymanError } from '../domain/errors.ts'
import type { RepositorySettings } from './contract.ts'
import { detectChecks, type ReadBaseFile } from './detect-checks.ts'
import type { Git } from './git.ts'

export const settingsFile = '.journeyman.yml'
const instructionFiles = ['AGENTS.md', 'CLAUDE.md']
const maxInstructionBytes = 32 * 1024
const maxSettingsBytes = 64 * 1024
const defaultCheckSeconds = 600

const command = z.string().trim().min(1).max(4_000)
const domain = z
  .string()
  .regex(/^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*$/i, 'is not the name of a domain')

const checkSchema = z.union([
  command.transform((text) => ({ name: text.slice(0, 60), command: text, timeout_seconds: defaultCheckSeconds })),
  z.strictObject({
    name: z.string().trim().min(1).max(60),
    command,
    timeout_seconds: z.number().positive().max(7_200).default(defaultCheckSeconds),
  }),
])

const settingsSchema = z.strictObject({
  setup: z.array(command).max(20).default([]),
  checks: z.array(checkSchema).max(20).optional(),
  allowed_domains: z.array(domain).max(100).default([]),
  protected_paths: z.array(z.string().trim().min(1).max(300)).max(200).default([]),
  workflow: z.string().trim().min(1).max(100).nullable().default(null),
  instructions: z.string().trim().min(1).max(maxInstructionBytes).nullable().default(null),
})

/**
 * What the repository says about itself, from the objects of the base commit. The work tree is never asked: it is the
 * agent's, and in a run for somebody's pull request it would be theirs. Throws `invalid_configuration`.
 */
export const readRepositorySettings = async (
  git: Git,
  gitDir: string,
  baseSha: string,
): Promise<RepositorySettings> => {
  const names = await rootFiles(git, gitDir, baseSha)
  const read = await readFiles(git, gitDir, baseSha, names)
  const given = parseSettings(read(settingsFile))
  const detected = given.checks === undefined ? detectChecks(names, read) : []
  const checks = given.checks ?? detected.map((check) => ({ ...check, timeout_seconds: defaultCheckSeconds }))
  return {
    setup: given.setup.length > 0 ? given.setup : detectSetup(names, given.allowed_domains),
    checks: checks.map(({ name, command, timeout_seconds }) => ({ name, command, timeout_seconds })),
    checksFrom: given.checks !== undefined ? 'settings' : detected.length > 0 ? 'detected' : 'none',
    allowed_domains: given.allowed_domains.map((name) => name.toLowerCase()),
    protected_paths: given.protected_paths,
    workflow: given.workflow,
    instructions: given.instructions ?? repositoryInstructions(read),
  }
}

/** The text of `.journeyman.yml`, checked; every mistake in one error, each with its line. */
export const parseSettings = (text: string | null): z.infer<typeof settingsSchema> => {
  if (text === null) return settingsSchema.parse({})
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, schema: 'core', merge: false })
  const [syntax] = document.errors
  if (syntax) throw mistakes([`line ${lines.linePos(syntax.pos[0]).line}: ${syntax.message.split('\n')[0]}`])
  const result = settingsSchema.safeParse(document.toJS({ maxAliasCount: 20 }) ?? {})
  if (result.success) return result.data
  const lineOf = (path: PropertyKey[]): number => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined
      if (node?.range) return lines.linePos(node.range[0]).line
    }
    return 1
  }
  throw mistakes(result.error.issues.flatMap((issue) => describeIssue(issue, lineOf)))
}

const describeIssue = (issue: z.core.$ZodIssue, lineOf: (path: PropertyKey[]) => number): string[] => {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key]
      return `line ${lineOf(path)}: "${path.join('.')}" is not a key that is known here`
    })
  }
  const place = issue.path.length === 0 ? 'the file' : `"${issue.path.join('.')}"`
  return [`line ${lineOf(issue.path)}: ${place}: ${issue.message}`]
}

const mistakes = (found: string[]): JourneymanError =>
  new JourneymanError('invalid_configuration', `${settingsFile}, ${found.slice(0, 10).join('; ')}.`, {
    nextAction: `Mend ${settingsFile} on the base branch, then start the run again.`,
  })

const rootFiles = async (git: Git, gitDir: string, baseSha: string): Promise<string[]> => {
  const listed = await git({ gitDir }, ['ls-tree', '-z', baseSha], { what: 'listing the base commit' })
  return listed.stdout
    .toString('utf8')
    .split('\0')
    .filter((record) => record.startsWith('100'))
    .map((record) => record.slice(record.indexOf('\t') + 1))
}

const interesting = [
  settingsFile,
  ...instructionFiles,
  'package.json',
  'Makefile',
  'pyproject.toml',
  'pytest.ini',
  'tox.ini',
  'setup.cfg',
]

const readFiles = async (git: Git, gitDir: string, baseSha: string, names: string[]): Promise<ReadBaseFile> => {
  const wanted = interesting.filter((name) => names.includes(name))
  const texts = await Promise.all(
    wanted.map(async (name) => {
      const options = { what: `reading ${name}`, maxOutputBytes: maxSettingsBytes, mayTruncate: true }
      const result = await git({ gitDir }, ['cat-file', 'blob', `${baseSha}:${name}`], options)
      // Half of a settings file could say the opposite of the whole.
      if (result.truncated && name === settingsFile)
        throw mistakes([`line 1: the file is over ${maxSettingsBytes} bytes`])
      return [name, result.stdout.toString('utf8')] as const
    }),
  )
  const found = new Map(texts)
  return (path) => found.get(path) ?? null
}

/** Packages are installed unasked only where it can work: a lock file, and a way to the registry. */
const detectSetup = (names: string[], allowedDomains: string[]): string[] =>
  names.includes('package-lock.json') && allowedDomains.length > 0 ? ['npm ci'] : []

const repositoryInstructions = (read: ReadBaseFile): string | null => {
  const texts = instructionFiles.map(read).filter((text): text is string => text !== null && text.trim() !== '')
  // Where one is a copy of the other, or a link to it by name, once is enough.
  const distinct = [...new Set(texts.map((text) => text.trim()))]
  if (distinct.length === 0) return null
  const joined = Buffer.from(distinct.join('\n\n'))
  if (joined.length <= maxInstructionBytes) return joined.toString('utf8')
  return `${joined
    .subarray(0, maxInstructionBytes)
    .toString('utf8')
    .replace(/\ufffd+$/, '')}\n[the rest is left out]`
}
