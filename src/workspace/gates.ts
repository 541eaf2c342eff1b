import { posix } from 'node:path'
import type { ProposedFile } from './contract.ts'
import { isGitName } from './git-names.ts'
import { foldPath, type PathPattern, pathPattern } from './path-patterns.ts'
import { findSecrets, type KnownSecret } from './secrets.ts'

export type GateRules = {
  maxFiles: number
  maxFileBytes: number
  maxTotalBytes: number
  allowBinaries: boolean
  /** Of the installation and of the repository's settings together. */
  protectedPaths: readonly string[]
  knownSecrets: readonly KnownSecret[]
  /** What never leaves; `forbiddenPaths` unless given. */
  forbiddenPaths?: readonly string[]
}

export type GateRule =
  | 'protected_path'
  | 'forbidden_path'
  | 'path_name'
  | 'too_many_files'
  | 'too_large'
  | 'binary'
  | 'symlink'
  | 'submodule'
  | 'executable'
  | 'secret'

export type GateFinding = {
  /** Empty when it is about the proposal as a whole, or when the path may not be told. */
  path: string
  rule: GateRule
  /** A sentence for people. */
  message: string
  /** `refuse`: the proposal may not leave. `flag`: a reviewer should see it. */
  severity: 'refuse' | 'flag'
}

/** Files that hold secrets by their nature. `!` takes out what only looks like it. */
export const forbiddenPaths: readonly string[] = [
  '.env',
  '.env.*',
  '*.env',
  '!.env.example',
  '!.env.sample',
  '!.env.template',
  '!example.env',
  '!sample.env',
  '*.pem',
  '*.key',
  '*.p12',
  '*.pfx',
  '*.jks',
  '*.keystore',
  '*.kdbx',
  '*.ppk',
  'id_rsa',
  'id_dsa',
  'id_ecdsa',
  'id_ed25519',
  '.netrc',
  '_netrc',
  '.pgpass',
  '.git-credentials',
  '.htpasswd',
  '.ssh/**',
  '**/.ssh/**',
  '**/.aws/credentials',
  '**/.docker/config.json',
  '**/.kube/config',
  'service-account*.json',
]

/**
 * Whether what the agent proposes may leave: pure, so that the same proposal is judged the same again. Everything that is
 * wrong is named, not only the first.
 */
export const judgeProposal = (files: readonly ProposedFile[], rules: GateRules): GateFinding[] => {
  const protectedOnes = rules.protectedPaths.map(pathPattern)
  const forbidden = exceptions(rules.forbiddenPaths ?? forbiddenPaths)
  return [
    ...wholeFindings(files, rules),
    ...files.flatMap((file) => {
      // Whatever else is wrong with it: every other sentence would say its name.
      const unspeakable = secretName(file, rules.knownSecrets)
      if (unspeakable.length > 0) return unspeakable
      return [
        ...nameFindings(file),
        ...placeFindings(file, protectedOnes, forbidden),
        ...kindFindings(file, rules),
        ...secretFindings(file, rules.knownSecrets),
      ]
    }),
  ]
}

const refuse = (path: string, rule: GateRule, message: string): GateFinding => ({
  path,
  rule,
  message,
  severity: 'refuse',
})

const wholeFindings = (files: readonly ProposedFile[], rules: GateRules): GateFinding[] => {
  const total = files.reduce((sum, file) => sum + file.bytes, 0)
  return [
    ...(files.length > rules.maxFiles
      ? [refuse('', 'too_many_files', `${files.length} files are changed; at most ${rules.maxFiles} may be.`)]
      : []),
    ...(total > rules.maxTotalBytes
      ? [
          refuse(
            '',
            'too_large',
            `The changed files hold ${kilobytes(total)}; at most ${kilobytes(rules.maxTotalBytes)} may be.`,
          ),
        ]
      : []),
  ]
}

const nameFindings = ({ path }: ProposedFile): GateFinding[] => {
  const parts = path.split('/')
  const reason =
    parts.some(isGitName) || foldPath(path).split('/').some(isGitName)
      ? 'has a part that some file systems take for git’s own folder'
      : parts.some((part) => part === '..' || part === '.' || part === '')
        ? 'leads out of its folder'
        : parts.some((part) => part.startsWith('-'))
          ? 'has a part that programs would read as an option'
          : oddCharacter.test(path)
            ? 'holds a character that cannot be seen, or that turns the text around'
            : path.includes('\\') || parts.some((part) => /[. ]$/.test(part))
              ? 'means another file on some systems'
              : path.length > longestPath
                ? `is longer than ${longestPath} characters`
                : undefined
  return reason === undefined ? [] : [refuse(path, 'path_name', `The name ${JSON.stringify(path)} ${reason}.`)]
}

const longestPath = 400
const oddCharacter = /[\p{Cc}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\ufffd]/u

type Forbidden = { named: PathPattern[]; excepted: PathPattern[] }

const exceptions = (patterns: readonly string[]): Forbidden => ({
  named: patterns.filter((pattern) => !pattern.startsWith('!')).map(pathPattern),
  excepted: patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pathPattern(pattern.slice(1))),
})

const placeFindings = (file: ProposedFile, protectedOnes: PathPattern[], forbidden: Forbidden): GateFinding[] => {
  const guard = protectedOnes.find((pattern) => pattern.matches(file.path))
  const excepted = forbidden.excepted.some((pattern) => pattern.matches(file.path))
  // To delete such a file is a good thing.
  const secretFile = file.status !== 'deleted' && !excepted && forbidden.named.find(({ matches }) => matches(file.path))
  return [
    ...(guard ? [refuse(file.path, 'protected_path', `${file.path} is protected ("${guard.pattern}").`)] : []),
    ...(secretFile
      ? [refuse(file.path, 'forbidden_path', `${file.path} is a file that holds secrets ("${secretFile.pattern}").`)]
      : []),
  ]
}

const kindFindings = (file: ProposedFile, rules: GateRules): GateFinding[] => {
  const { path, mode } = file
  const findings: GateFinding[] = []
  if (mode === '120000') findings.push(linkFinding(file))
  if (mode === '160000') findings.push(refuse(path, 'submodule', `${path} is a submodule.`))
  if (mode === '100755' && file.oldMode !== '100755') {
    findings.push({ path, rule: 'executable', message: `${path} becomes executable.`, severity: 'flag' })
  }
  if (file.binary && mode !== null && !rules.allowBinaries) {
    findings.push(refuse(path, 'binary', `${path} is a binary file, which no reviewer can read.`))
  }
  if (file.bytes > rules.maxFileBytes) {
    const message = `${path} holds ${kilobytes(file.bytes)}; at most ${kilobytes(rules.maxFileBytes)} may be.`
    findings.push(refuse(path, 'too_large', message))
  }
  return findings
}

/** The target of a link is its content. */
const linkFinding = ({ path, addedText }: ProposedFile): GateFinding => {
  const target = addedText.replace(/\n$/, '')
  const reached = posix.normalize(posix.join(posix.dirname(path), target))
  const outside = target === '' || target.startsWith('/') || reached === '..' || reached.startsWith('../')
  if (outside) return refuse(path, 'symlink', `${path} is a symbolic link that leads out of the repository.`)
  if (reached.split('/').some(isGitName))
    return refuse(path, 'symlink', `${path} is a symbolic link into git’s own folder.`)
  return { path, rule: 'symlink', message: `${path} is a symbolic link to ${target}.`, severity: 'flag' }
}

const fullOfHashes = [
  'package-lock.json',
  'npm-shrinkwrap.json',
  'pnpm-lock.yaml',
  'yarn.lock',
  'bun.lock',
  'cargo.lock',
  'go.sum',
  'poetry.lock',
  'uv.lock',
  'gemfile.lock',
  'composer.lock',
  'flake.lock',
  '*.snap',
].map(pathPattern)

const secretFindings = (file: ProposedFile, knownSecrets: readonly KnownSecret[]): GateFinding[] => {
  const guess = !fullOfHashes.some((pattern) => pattern.matches(file.path))
  return findSecrets(file.addedText, knownSecrets, { guess }).map(({ kind, line }) => {
    const where = line === null ? 'spread over what is added' : `in line ${line} of what is added`
    return refuse(file.path, 'secret', `${file.path} holds ${kind}, ${where}.`)
  })
}

/** Findings are told to people, so that such a name is in none of them. */
const secretName = (file: ProposedFile, knownSecrets: readonly KnownSecret[]): GateFinding[] =>
  findSecrets(file.path, knownSecrets, { guess: false }).map(({ kind }) =>
    refuse('', 'secret', `The name of a file holds ${kind}.`),
  )

const kilobytes = (bytes: number): string => `${Math.ceil(bytes / 1024)} KB`
