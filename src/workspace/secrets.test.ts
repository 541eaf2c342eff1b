import { describe, expect, test } from 'vitest'
import { findSecrets } from './secrets.ts'

// Put together here, so that no scanner takes this file for a leak.
const join = (...parts: string[]): string => parts.join('')
const letters = 'q7Zp2LxVb9Rk4TnWc8Ys3HdMf6Jg5QaE1uXi0OoP'

const kindsOf = (text: string) => findSecrets(text, []).map(({ kind }) => kind)

describe('what has the shape of a secret', () => {
  test.each([
    [join('ghp', '_', letters.slice(0, 36)), 'a GitHub token'],
    [join('github', '_pat_', letters.slice(0, 22), '_', letters), 'a GitHub token'],
    [join('ghs', '_', letters, '.', letters, '.', letters), 'a GitHub token'],
    [join('AKIA', 'QZ7PLXVBRKTNWCYS'), 'an AWS access key'],
    [join('sk-ant', '-api03-', letters), 'an Anthropic key'],
    [join('sk-', 'proj-', letters), 'an OpenAI key'],
    [join('xox', 'b-123456789012-', letters.slice(0, 24)), 'a Slack token'],
    [join('-----BEGIN ', 'RSA PRIVATE KEY-----'), 'a private key'],
    [join('-----BEGIN ', 'PRIVATE KEY-----'), 'a private key'],
    [join('eyJhbGciOiJIUzI1NiJ9', '.', 'eyJzdWIiOiIxMjM0NTY3ODkwIn0', '.', letters), 'a signed token (JWT)'],
    [`const apiKey = "${letters}"`, 'a value that looks like a secret'],
    [`  db_password: ${letters.slice(0, 20)}`, 'a value that looks like a secret'],
    ['postgres://app:h7Gk29sLq@db.internal/app', 'a password in an address'],
  ])('%j', (text, kind) => {
    expect(kindsOf(`first line\n${text}\n`)).toEqual([kind])
    expect(findSecrets(`first line\n${text}\n`, [])[0]?.line).toBe(2)
  })

  test.each([
    '"integrity": "sha512-Xq7Zp2LxVb9Rk4TnWc8Ys3HdMf6Jg5QaE1uXi0OoPq7Zp2LxVb9Rk4TnWc8Ys3HdMf6Jg5QaE1uXi0OoPgA=="',
    'const token = process.env.GITHUB_TOKEN',
    'password: ${DATABASE_PASSWORD}',
    'api_key = "your-api-key-goes-here-12345"',
    'const tokenizer = createTokenizer(source, { start: 0 })',
    'AKIAIOSFODNN7EXAMPLE',
    'the commit 2b1f3844c9d0e1a2b3c4d5e6f708192a3b4c5d6e is bad',
    'const passwordMinimumLength = passwordPolicy.minimumLengthOfAllPasswords',
    'postgres://user:password@localhost/test',
    'https://example.com/a:b/c@2x.png',
    'token = await exchangeCodeForToken(code)',
    'secret: "aaaaaaaaaaaaaaaaaaaaaaaaaaaa"',
  ])('%j is none', (text) => {
    expect(kindsOf(text)).toEqual([])
  })
})

describe('a secret that this installation knows', () => {
  const secret = { name: 'github.webhook_secret', value: 'correct-horse-battery-9' }
  const spread = [...secret.value].join('\n')
  test.each([
    ['as it is', `x ${secret.value} y`],
    ['in base64', Buffer.from(secret.value).toString('base64')],
    ['in base64, somewhere inside', Buffer.from(`user:${secret.value}@host`).toString('base64')],
    ['in base64, after one more letter', Buffer.from(`users:${secret.value}@host`).toString('base64')],
    ['in base64, after two more letters', Buffer.from(`users::${secret.value}@host`).toString('base64url')],
    ['in hexadecimal', Buffer.from(secret.value).toString('hex').toUpperCase()],
    ['in an address', encodeURIComponent(secret.value)],
    ['reversed', [...secret.value].reverse().join('')],
    ['reversed and in base64', Buffer.from([...secret.value].reverse().join('')).toString('base64')],
    ['one letter a line', spread],
    ['as parts that a program joins', '"correct-" +\n  "horse-bat" +\n  "tery-9"'],
    ['in other case', secret.value.toUpperCase()],
  ])('is found %s, and not repeated', (_, text) => {
    const found = findSecrets(text, [secret], { guess: false })
    expect(found.map(({ kind }) => kind)).toEqual(['the secret github.webhook_secret'])
    expect(JSON.stringify(found)).not.toContain(secret.value)
  })

  test('a piece of a key file is found, and the beginning that all of them share is not', () => {
    const body = Buffer.from(Array.from({ length: 600 }, (_, index) => (index * 7919) % 251)).toString('base64')
    const value = join('-----BEGIN ', `RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA${body}\n-----END RSA PRIVATE KEY-----`)
    const known = [{ name: 'github.private_key', value }]
    expect(findSecrets(body.slice(150, 400), known, { guess: false })).toHaveLength(1)
    expect(findSecrets('BEGIN RSA PRIVATE KEY MIIEpAIBAAKCAQEA', known, { guess: false })).toEqual([])
  })

  test('a value too short to tell apart is not looked for', () => {
    expect(findSecrets('an abc here', [{ name: 'x', value: 'abc' }])).toEqual([])
  })
})
