import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fc } from '../../test/at-random.ts'
import { loadConfig } from './load-config.ts'
import { createSecretMask, listSecrets, withoutSecrets } from './secrets.ts'

const environment = {
  DATABASE_URL: 'postgres://journeyman:p%40ss-word-1@db:5432/journeyman',
  GITHUB_WEBHOOK_SECRET: 'webhook-secret-1',
  GITHUB_PREVIOUS_WEBHOOK_SECRET: 'short',
  ANTHROPIC_API_KEY: 'sk-ant-0123456789',
}
const config = loadConfig({ folder: join(tmpdir(), 'journeyman-nothing-here'), environment }).config

describe('listSecrets', () => {
  it('lists what is secret, a password inside an address too, and nothing short', () => {
    expect(listSecrets(config).toSorted()).toEqual(
      [environment.DATABASE_URL, 'p@ss-word-1', 'sk-ant-0123456789', 'webhook-secret-1'].toSorted(),
    )
  })

  it('lists the lines of a private key by themselves', () => {
    const key = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END PRIVATE KEY-----\n'
    const secrets = listSecrets({ ...config, github: { ...config.github, private_key: key } })
    expect(secrets).toEqual(expect.arrayContaining([key, 'MIIEvQIBADANBg', 'kqhkiG9w0BAQEF']))
  })
})

describe('withoutSecrets', () => {
  it('leaves everything but the secrets', () => {
    const shown = JSON.stringify(withoutSecrets(config))
    expect(listSecrets(config).filter((secret) => shown.includes(secret))).toEqual([])
    expect(withoutSecrets(config)).toMatchObject({ server: config.server, github: { url: 'https://github.com' } })
  })
})

describe('createSecretMask', () => {
  const secret = fc.string({ minLength: 8, maxLength: 60 }).filter((text) => text.trim() === text)
  const around = fc.string({ maxLength: 10 })

  it.each<[string, (text: string) => string]>([
    ['as it is', (text) => text],
    ['URL-encoded', encodeURIComponent],
    ['as a JSON text', (text) => JSON.stringify(text)],
    ['in hexadecimal', (text) => Buffer.from(text).toString('hex')],
  ])('hides a secret %s, wherever it stands', (_name, encode) => {
    fc.assert(
      fc.property(secret, around, around, (hidden, before, after) => {
        const masked = createSecretMask([hidden])(before + encode(hidden) + after)
        expect(masked).toContain('[secret]')
      }),
    )
  })

  it.each(['base64', 'base64url'] as const)('hides a secret in %s, at any offset', (encoding) => {
    fc.assert(
      fc.property(secret, around, around, (hidden, before, after) => {
        const masked = createSecretMask([hidden])(Buffer.from(before + hidden + after).toString(encoding))
        expect(Buffer.from(masked.split('[secret]').join(''), encoding).toString()).not.toContain(hidden)
        expect(masked).toContain('[secret]')
      }),
    )
  })

  it('leaves all other text alone', () => {
    const mask = createSecretMask(['webhook-secret-1'])
    fc.assert(fc.property(fc.string(), (text) => mask(text) === text))
    expect(createSecretMask([])('anything')).toBe('anything')
  })
})
