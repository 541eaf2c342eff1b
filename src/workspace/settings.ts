import { type Document, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { JourneymanError } from '../domain/errors.ts'
import type { BaseFiles } from './base-files.ts'
import type { RepositorySettings } from './contract.ts'
import { checkSources, detectChecks } from './detect-checks.ts'

export const settingsFile = '.journeyman.yml'
const instructionFiles = ['AGENTS.md', 'CLAUDE.md']
const maxInstructionBytes = 32 * 1024
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

/** The files of the base commit that say something; all of them stand at its top. */
export const settingsSources = [settingsFile, ...instructionFiles, ...checkSources, 'package-lock.json']

/**
 * What the repository says about itself, from the files of the base commit. The work tree is never asked: it is the
 * agent's, and in a run for somebody's pull request it would be theirs. Throws `invalid_configuration`.
 */
export const repositorySettings = (files: BaseFiles): RepositorySettings => {
  const given = parseSettings(settingsText(files))
  const detected = given.checks === undefined ? detectChecks(files) : []
  const checks = given.checks ?? detected.map((check) => ({ ...check, timeout_seconds: defaultCheckSeconds }))
  return {
    setup: given.setup.length > 0 ? given.setup : detectSetup(files, given.allowed_domains),
    checks: checks.map(({ name, command, timeout_seconds }) => ({ name, command, timeout_seconds })),
    checksFrom: given.checks !== undefined ? 'settings' : detected.length > 0 ? 'detected' : 'none',
    allowed_domains: given.allowed_domains.map((name) => name.toLowerCase()),
    protected_paths: given.protected_paths,
    workflow: given.workflow,
    instructions: given.instructions ?? repositoryInstructions(files),
  }
}

const settingsText = (files: BaseFiles): string | null => {
  const text = files.read(settingsFile)
  if (text === null && files.has(settingsFile)) throw mistakes(['line 1: the file is too large to be read'])
  return text
}

/** The text of `.journeyman.yml`, checked; every mistake in one error, each with its line. */
export const parseSettings = (text: string | null): z.infer<typeof settingsSchema> => {
  if (text === null) return settingsSchema.parse({})
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, schema: 'core', merge: false })
  const [syntax] = document.errors
  if (syntax) throw mistakes([`line ${lines.linePos(syntax.pos[0]).line}: ${syntax.message.split('\n')[0]}`])
  const result = settingsSchema.safeParse(plainOf(document) ?? {})
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

const plainOf = (document: Document): unknown => {
  try {
    return document.toJS({ maxAliasCount: 20 })
  } catch {
    throw mistakes(['line 1: it has more aliases than a file of settings can need'])
  }
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

/** Packages are installed unasked only where it can work: a lock file, and a way to the registry. */
const detectSetup = (files: BaseFiles, allowedDomains: string[]): string[] =>
  files.has('package-lock.json') && allowedDomains.length > 0 ? ['npm ci'] : []

const repositoryInstructions = (files: BaseFiles): string | null => {
  const texts = instructionFiles.map(files.read).filter((text): text is string => text !== null && text.trim() !== '')
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
