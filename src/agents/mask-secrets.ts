/** Shapes of keys that are secrets wherever they stand. */
const shapes: { name: string; pattern: RegExp }[] = [
  { name: 'GitHub token', pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{40,255})/g },
  { name: 'Anthropic key', pattern: /\bsk-ant-[A-Za-z0-9_-]{20,255}/g },
  { name: 'OpenAI key', pattern: /\bsk-(?:proj-)?[A-Za-z0-9_-]{32,255}/g },
  { name: 'Slack token', pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{10,255}/g },
  { name: 'AWS key', pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g },
  { name: 'GitLab token', pattern: /\bglpat-[A-Za-z0-9_-]{20,255}/g },
  { name: 'Stripe key', pattern: /\b[rs]k_live_[A-Za-z0-9]{20,255}/g },
  {
    name: 'private key',
    pattern: /-----BEGIN (?:[A-Z]+ ){0,3}PRIVATE KEY-----[\s\S]{20,20000}?-----END (?:[A-Z]+ ){0,3}PRIVATE KEY-----/g,
  },
]

const shortestSecret = 8

/** Takes out the secrets that are known to this process, and what has the shape of one, before a model or a row sees them. */
export const createMask = (known: () => string[]): ((text: string) => string) => {
  return (text) => {
    let masked = text
    for (const secret of known()) {
      if (secret.length >= shortestSecret) masked = masked.replaceAll(secret, '[masked: a secret of this installation]')
    }
    for (const { name, pattern } of shapes) masked = masked.replace(pattern, `[masked: ${name}]`)
    return masked
  }
}
