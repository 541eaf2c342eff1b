/** A secret that this installation knows: never shown, only named. */
export type KnownSecret = { name: string; value: string }

export type SecretFinding = {
  /** What it looks like: "a GitHub token", "the secret github.private_key". Never the secret. */
  kind: string
  /** 1-based; the line where it begins, or null when it is spread over the text. */
  line: number | null
}

const shapes: { kind: string; pattern: RegExp }[] = [
  { kind: 'a GitHub token', pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})/ },
  { kind: 'a GitHub token', pattern: /\bghs_[A-Za-z0-9_.-]{36,}/ },
  { kind: 'a GitLab token', pattern: /\bgl(?:pat|dt|rt|cbt|ptt|soat)-[A-Za-z0-9_-]{20,}/ },
  { kind: 'an AWS access key', pattern: /\b(?:AKIA|ASIA|ABIA|ACCA)(?![A-Z0-9]*EXAMPLE)[A-Z0-9]{16}\b/ },
  { kind: 'an Anthropic key', pattern: /\bsk-ant-[A-Za-z0-9_-]{20,}/ },
  { kind: 'an OpenAI key', pattern: /\bsk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{40,})/ },
  {
    kind: 'a Slack token',
    pattern: /\bxox[abeoprs]-(?:[A-Za-z0-9]+-){1,}[A-Za-z0-9]{10,}|\bxapp-\d-[A-Za-z0-9-]{20,}/,
  },
  {
    kind: 'a Slack webhook address',
    pattern: /hooks\.slack\.com\/(?:services|workflows)\/T[A-Z0-9]{6,}\/[A-Za-z0-9/]{20,}/,
  },
  { kind: 'a Google key', pattern: /\bAIza[0-9A-Za-z_-]{35}|\bGOCSPX-[A-Za-z0-9_-]{24,}/ },
  { kind: 'a Stripe key', pattern: /\b(?:sk|rk)_live_[0-9A-Za-z]{20,}|\bwhsec_[A-Za-z0-9+/]{32,}/ },
  { kind: 'an npm token', pattern: /\bnpm_[A-Za-z0-9]{36}\b/ },
  { kind: 'a PyPI token', pattern: /\bpypi-AgE[A-Za-z0-9_-]{50,}/ },
  { kind: 'a SendGrid key', pattern: /\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{32,}/ },
  { kind: 'an Atlassian token', pattern: /\bATATT3[A-Za-z0-9_=-]{50,}/ },
  { kind: 'a Discord token', pattern: /\b[MNO][A-Za-z\d_-]{23,25}\.[A-Za-z\d_-]{6}\.[A-Za-z\d_-]{27,}/ },
  { kind: 'a private key', pattern: /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----/ },
  { kind: 'a signed token (JWT)', pattern: /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}/ },
]

/**
 * Looks for secrets in text that is about to leave: those that this installation knows, also encoded, reversed or split,
 * and what has the shape of one. `guess` false leaves out the guess by names and entropy, for files that are full of
 * hashes.
 */
export const findSecrets = (
  text: string,
  knownSecrets: readonly KnownSecret[],
  options: { guess?: boolean } = {},
): SecretFinding[] => {
  const byLine = text.split('\n').flatMap((line, index) => {
    const kinds = new Set(shapes.filter(({ pattern }) => pattern.test(line)).map(({ kind }) => kind))
    if (kinds.size === 0 && options.guess !== false) for (const kind of guesses(line)) kinds.add(kind)
    return [...kinds].map((kind) => ({ kind, line: index + 1 }))
  })
  return [...findKnown(text, knownSecrets), ...byLine].slice(0, maxFindings)
}

const maxFindings = 50
const longestGuessedLine = 4_000

const assignment =
  /(?:secret|token|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?key|credentials?)[\w-]*["'`\]]*\s*(?::|=>|:=|=)\s*["'`]?([A-Za-z0-9+/_=.~-]{16,200})/gi
const passwordInAddress = /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@'"]{1,100}:([^\s/@'"]{6,200})@[^\s/]/gi
const placeholder =
  /example|sample|dummy|placeholder|change[_-]?me|your[_-]|x{4,}|\*{3,}|redacted|fake|mock|test|1234567|abcdef|process\.|env\b|\$\{|^<|foo|secret|token|password|key/i

/** A name that speaks of a secret, given a value that looks like chance. */
const guesses = (line: string): string[] => {
  if (line.length > longestGuessedLine) return []
  const values = [...line.matchAll(assignment)].map((match) => match[1] as string)
  const passwords = [...line.matchAll(passwordInAddress)].map((match) => match[1] as string)
  return [
    ...(values.some(looksLikeChance) ? ['a value that looks like a secret'] : []),
    ...(passwords.some((value) => !placeholder.test(value) && !/^[$%{<]/.test(value))
      ? ['a password in an address']
      : []),
  ]
}

const looksLikeChance = (value: string): boolean =>
  !placeholder.test(value) && /[0-9].*[0-9]/.test(value) && /[A-Za-z]/.test(value) && entropy(value) >= 3.5

/** Bits per character. */
const entropy = (value: string): number => {
  const counts = new Map<string, number>()
  for (const letter of value) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  return [...counts.values()].reduce(
    (bits, count) => bits - (count / value.length) * Math.log2(count / value.length),
    0,
  )
}

const findKnown = (text: string, knownSecrets: readonly KnownSecret[]): SecretFinding[] => {
  const squeezed = squeeze(text)
  return knownSecrets
    .filter(({ value }) => forms(value).some((form) => squeezed.includes(form)))
    .map(({ name, value }) => ({ kind: `the secret ${name}`, line: lineOf(text, value) }))
}

const lineOf = (text: string, value: string): number | null => {
  const at = text.indexOf(value)
  return at < 0 ? null : text.slice(0, at).split('\n').length
}

/** Letters and digits only, in one case: whatever a value was split, quoted, wrapped or escaped with is gone. */
const squeeze = (text: string): string => text.replace(/[^A-Za-z0-9]+/g, '').toLowerCase()

const shortestForm = 8
const longForm = 120
const sharedBeginning = 80
const pieceLength = 48

const forms = (value: string): string[] => {
  const bytes = Buffer.from(value)
  const backwards = [...value].reverse().join('')
  const written = [
    value,
    backwards,
    encodeURIComponent(value),
    bytes.toString('hex'),
    ...base64Forms(bytes),
    ...base64Forms(Buffer.from(backwards)),
  ]
  return written
    .map(squeeze)
    .filter((form) => form.length >= shortestForm)
    .flatMap(pieces)
}

/** base64 depends on what stands before: three beginnings, without the characters that the neighbours decide. */
const base64Forms = (bytes: Buffer): string[] =>
  [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const first = Math.ceil((before * 8) / 6)
    return encoded.slice(first, Math.floor(((before + bytes.length) * 8) / 6))
  })

/** A part of a long secret is one too. The beginning of a key file is the same in all of them. */
const pieces = (form: string): string[] => {
  if (form.length < longForm) return [form]
  const found: string[] = []
  for (let at = sharedBeginning; at + pieceLength <= form.length; at += pieceLength) {
    found.push(form.slice(at, at + pieceLength))
  }
  return found
}
