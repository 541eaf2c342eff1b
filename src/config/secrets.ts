import type { Config } from './schema.ts'

/** The keys that hold secrets. */
const secretKeys = {
  database: ['url'],
  github: ['private_key', 'webhook_secret', 'previous_webhook_secret'],
  anthropic: ['api_key'],
} as const

/** Shorter ones would mask ordinary words; what is meant to be secret is longer. */
const shortestSecret = 8

/** Every secret of the configuration, with the parts that are secret by themselves: a password, a line of a key. */
export const listSecrets = (config: Config): string[] => {
  const { database, github, anthropic } = config
  const given = [github.private_key, github.webhook_secret, github.previous_webhook_secret, anthropic.api_key]
  const secrets = [...given, database.url, passwordOf(database.url)].filter((value) => value !== null)
  const keyLines = (github.private_key ?? '').split('\n').filter((line) => line !== '' && !line.startsWith('-----'))
  return [...new Set([...secrets, ...keyLines])].filter((secret) => secret.length >= shortestSecret)
}

/** The configuration as it may be shown, and read by expressions: without secrets. */
export const withoutSecrets = (config: Config): Record<string, unknown> => {
  const shown: Record<string, Record<string, unknown>> = JSON.parse(JSON.stringify(config))
  for (const [section, keys] of Object.entries(secretKeys)) {
    for (const key of keys) delete shown[section]?.[key]
  }
  return shown
}

/**
 * Makes a function that puts `[secret]` in the place of each secret, also where it stands in base64 (at any offset), in
 * hexadecimal, URL-encoded or as a JSON text. A net under carefulness, not a boundary.
 */
export const createSecretMask = (secrets: readonly string[]): ((text: string) => string) => {
  const long = secrets.filter((secret) => secret.length >= shortestSecret)
  const forms = [...new Set(long.flatMap(formsOf))].toSorted((a, b) => b.length - a.length)
  if (forms.length === 0) return (text) => text
  const pattern = new RegExp(forms.map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g')
  return (text) => text.replace(pattern, '[secret]')
}

const formsOf = (secret: string): string[] => {
  const bytes = Buffer.from(secret)
  const base64 = [0, 1, 2].map((offset) => base64At(bytes, offset))
  const hex = bytes.toString('hex')
  const json = JSON.stringify(secret).slice(1, -1)
  const url = encodeURIComponent(secret)
  const forms = [secret, json, url, url.replaceAll('%20', '+'), hex, hex.toUpperCase(), ...base64]
  return [...forms, ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))]
}

/** The letters that are the same whatever stands before and after the secret. */
const base64At = (bytes: Buffer, offset: number): string => {
  const whole = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replaceAll('=', '')
  const known = Math.floor(((offset + bytes.length) * 8) / 6)
  return whole.slice(Math.ceil((offset * 8) / 6), known)
}

const passwordOf = (url: string | null): string | null => {
  if (url === null || !URL.canParse(url)) return null
  const { password } = new URL(url)
  try {
    return password === '' ? null : decodeURIComponent(password)
  } catch {
    return password
  }
}
