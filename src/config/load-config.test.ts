import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { JourneymanError } from '../domain/errors.ts'
import { installationFolder } from './installation-folder.ts'
import { type LoadOptions, loadConfig } from './load-config.ts'
import { configSchema } from './schema.ts'
import { leafKeys } from './schema-shape.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journeyman-config-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)
const load = (options: Partial<LoadOptions> = {}) => loadConfig({ folder, environment: {}, ...options }).config
const failing = (options: Partial<LoadOptions> = {}): JourneymanError => {
  try {
    load(options)
  } catch (error) {
    if (error instanceof JourneymanError) return error
    throw error
  }
  throw new Error('The configuration was accepted.')
}
const refusal = (options: Partial<LoadOptions> = {}): string => failing(options).message

describe('the default journeyman.yaml', () => {
  const text = readFileSync(join(installationFolder(), 'journeyman.yaml'), 'utf8')

  it('is a whole configuration without any file or variable of the user', () => {
    const config = load()
    expect(config.server).toMatchObject({ host: '127.0.0.1', port: 3000, public_url: null, max_body_bytes: 26214400 })
    expect(config.data_dir).toBe(join(folder, '.journeyman'))
    expect(config.workflows.folder).toBe(join(installationFolder(), 'workflows'))
  })

  it('holds no secret: every one is empty until a variable gives it', () => {
    const { database, github, anthropic } = load()
    const secrets = [database.url, github.private_key, github.webhook_secret, github.previous_webhook_secret]
    expect([...secrets, anthropic.api_key]).toEqual([null, null, null, null, null])
  })

  it('says every key that there is', () => {
    const { placeOf } = loadConfig({ folder, environment: {} })
    const lines = leafKeys(configSchema).map((key) => {
      const { line, column } = placeOf(key)
      return text.split('\n')[line - 1]?.slice(column - 1)
    })
    expect(lines).toEqual(leafKeys(configSchema).map((key) => expect.stringMatching(`^${key.split('.').at(-1)}:`)))
  })

  it('explains every key where it stands', () => {
    const { placeOf } = loadConfig({ folder, environment: {} })
    const silent = leafKeys(configSchema).filter((key) => {
      const above = text.split('\n')[placeOf(key).line - 2] ?? ''
      return !above.trim().startsWith('#')
    })
    expect(silent).toEqual([])
  })

  it('uses only variables that .env.example explains', () => {
    const example = readFileSync(join(installationFolder(), '.env.example'), 'utf8')
    const used = [...text.matchAll(/: \$\{([A-Z_]+)(?::-[^}]*)?\}/g)].map((match) => match[1])
    expect(used.length).toBeGreaterThan(10)
    expect(used.filter((name) => !new RegExp(`^${name}=`, 'm').test(example))).toEqual([])
  })

  it('shows no value in .env.example', () => {
    const example = readFileSync(join(installationFolder(), '.env.example'), 'utf8')
    const lines = example.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    expect(lines.filter((line) => !/^[A-Z_]+=$/.test(line))).toEqual([])
  })
})

describe('layers', () => {
  it('lie over each other: default, own file, overlay, overrides', () => {
    write('journeyman.yaml', 'runs: { max_claims: 3, max_minutes: 7 }\nbudget: { monthly_usd: 1 }')
    write('journeyman.production.yaml', 'runs: { max_minutes: 8 }')
    const environment = { JOURNEYMAN_ENV: 'production' }
    const config = load({ environment, overrides: { budget: { monthly_usd: 9 } } })
    expect(config.runs).toMatchObject({ max_claims: 3, max_minutes: 8, max_cost_usd: 5 })
    expect(config.budget.monthly_usd).toBe(9)
  })

  it('replace lists and leave blocks alone that were left empty', () => {
    write('journeyman.yaml', 'runs:\nproposal:\n  protected_paths: [ only/this ]\nmodels: { fallback: null }')
    const config = load()
    expect(config.runs.max_claims).toBe(10)
    expect(config.proposal.protected_paths).toEqual(['only/this'])
    expect(config.models.fallback).toBeNull()
  })

  it('take folders of workflows as beside the file that names them', () => {
    write('journeyman.yaml', 'workflows: { folder: ./mine }')
    expect(load().workflows).toEqual({ folder: join(folder, 'mine'), prompts: join(installationFolder(), 'prompts') })
  })

  it('name the overlay that is asked for and not there', () => {
    expect(refusal({ env: 'staging' })).toMatch(/journeyman\.staging\.yaml:1:1 .*not there/)
  })

  it('refuse an overlay name that would leave the folder', () => {
    expect(refusal({ env: '../../etc/passwd' })).toContain('JOURNEYMAN_ENV has to be a plain word')
  })

  it('take an override literally', () => {
    expect(load({ overrides: { server: { host: '${HOME}' } } }).server.host).toBe('${HOME}')
  })
})

describe('mistakes', () => {
  it('are told all at once, with file, line, column and key', () => {
    write('journeyman.yaml', 'server:\n  prot: 80\n  port: 1.5\nrnus: {}\nlog:\n  level: loud\n')
    write('journeyman.x.yaml', 'budget:\n  monthly_usd: -1\n')
    const error = failing({ env: 'x' })
    expect(error.code).toBe('invalid_configuration')
    expect(error.message.split('\n')).toEqual([
      'The configuration has 5 mistakes:',
      '  journeyman.x.yaml:2:3  budget.monthly_usd: has to be at least 0',
      '  journeyman.yaml:2:3  server.prot: there is no such key; did you mean "port"?',
      '  journeyman.yaml:3:3  server.port: has to be a whole number',
      '  journeyman.yaml:4:1  rnus: there is no such key; did you mean "runs"?',
      '  journeyman.yaml:6:3  log.level: has to be one of trace, debug, info, warn, error, fatal, silent',
    ])
  })

  it('suggest the block of a key that stands in the wrong one', () => {
    write('journeyman.yaml', 'max_cost_usd: 3')
    expect(refusal()).toContain('did you mean "runs.max_cost_usd"?')
  })

  it.each([
    ['a key twice', 'runs: {}\nruns: {}', '2:1  this key stands twice'],
    ['a tab', 'runs:\n\tmax_claims: 1', '2:1  a tab'],
    ['an open bracket', 'github: { trusted_bots: [1, 2', 'missing'],
    ['a second document', 'runs: {}\n---\nruns: {}', 'a second document'],
    ['a list at the top', '- 1', 'keys and values'],
    ['a key that is no word', '1: 2', 'plain word'],
    ['an unknown tag', 'data_dir: !!js/function "x"', 'tag'],
    ['__proto__', '__proto__: { polluted: true }', '1:1  __proto__: this key is not allowed'],
    ['constructor', 'runs: { constructor: { prototype: { polluted: true } } }', 'runs.constructor: this key'],
  ])('are told of %s', (_name, text, expected) => {
    write('journeyman.yaml', text)
    expect(refusal()).toContain(expected)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it('are told of a YAML bomb without setting it off', () => {
    const levels = Array.from({ length: 9 }, (_, at) => {
      const below = at === 0 ? '[x, x, x, x, x, x, x, x, x]' : `[${`*a${at - 1}, `.repeat(9)}]`
      return `k${at}: &a${at} ${below}`
    })
    write('journeyman.yaml', levels.join('\n'))
    expect(refusal()).toMatch(/more than \d+ (values|aliases) here/)
  })

  it('are told of an alias that holds itself', () => {
    write('journeyman.yaml', 'runs: &a\n  max_claims: *a\n')
    expect(refusal()).toMatch(/nested|alias/)
  })

  it.each([
    ['nested too deep', `runs: ${'['.repeat(10_000)}`, /too deep/],
    ['too large', `# ${'x'.repeat(70_000)}`, /over 64 KB/],
  ])('are told of a file that is %s', (_name, text, expected) => {
    write('journeyman.yaml', text)
    expect(refusal()).toMatch(expected)
  })

  it('never show a value', () => {
    write(
      'journeyman.yaml',
      'database: { url: "hunter2-hunter2" }\ngithub:\n  private_key: hunter2\n  app_id: [hunter2]\n',
    )
    write('journeyman.x.yaml', 'anthropic: { api_key: *hunter2, base_url: hunter2 } hunter2')
    write('.env', 'DATABASE_URL=hunter2')
    const error = failing({ env: 'x' })
    expect(JSON.stringify([error.message, error.detail, error.nextAction])).not.toContain('hunter2')
  })
})

describe('variables', () => {
  it('fill in numbers, truth values and lists where the schema wants them', () => {
    write(
      'journeyman.yaml',
      'server: { port: "${P}" }\nproposal: { draft: "${D}" }\ngithub: { trusted_bots: "${B}", app_id: "${A}" }',
    )
    const config = load({ environment: { P: '8080', D: 'false', B: '12, 34', A: '0042' } })
    expect(config.server.port).toBe(8080)
    expect(config.proposal.draft).toBe(false)
    expect(config.github.trusted_bots).toEqual([12, 34])
    expect(config.github.app_id).toBe('0042')
  })

  it('are named when they are missing, and when what they hold does not fit', () => {
    write('journeyman.yaml', 'data_dir: "${NOWHERE}/x"')
    const message = refusal({ environment: { PORT: 'eighty' } })
    expect(message).toContain('journeyman.yaml:1:11  data_dir: needs NOWHERE, which is not set (nor is NOWHERE_FILE)')
    expect(message).toContain('server.port: has to be a number (it comes from PORT)')
    expect(message).not.toContain('eighty')
  })

  it('come from .env, and the real environment wins', () => {
    write('.env', '# mine\nPORT=4000\nLOG_LEVEL="warn"\n')
    const config = load({ environment: { PORT: '5000' } })
    expect([config.server.port, config.log.level]).toEqual([5000, 'warn'])
  })

  it('come from a file when <NAME>_FILE names one, without its last line end', () => {
    write('secret', 's3cret-s3cret\n')
    expect(load({ environment: { GITHUB_WEBHOOK_SECRET_FILE: './secret' } }).github.webhook_secret).toBe(
      's3cret-s3cret',
    )
    expect(load({ environment: { GITHUB_WEBHOOK_SECRET_FILE: join(folder, 'secret') } }).github.webhook_secret).toBe(
      's3cret-s3cret',
    )
  })

  it('are a mistake when the file is not there, or both are set', () => {
    const missing = refusal({ environment: { ANTHROPIC_API_KEY_FILE: '/nowhere/key' } })
    expect(missing).toMatch(/anthropic\.api_key: needs ANTHROPIC_API_KEY, which cannot be read: .*\/nowhere\/key/)
    const both = refusal({
      environment: { ANTHROPIC_API_KEY_FILE: '/nowhere/key', ANTHROPIC_API_KEY: 'hunter2hunter2' },
    })
    expect(both).toContain('set twice')
    expect(both).not.toContain('hunter2')
  })

  it('that are an application number may stand as a number', () => {
    write('journeyman.yaml', 'github: { app_id: 12345 }')
    expect(load().github.app_id).toBe('12345')
  })
})

describe('a private key', () => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })

  it.each([
    ['as it is', privateKey],
    ['on one line', privateKey.replaceAll('\n', '\\n')],
    ['with the line ends of Windows', privateKey.replaceAll('\n', '\r\n')],
    ['in base64', Buffer.from(privateKey).toString('base64')],
  ])('is taken %s', (_name, text) => {
    expect(load({ environment: { GITHUB_PRIVATE_KEY: text } }).github.private_key).toBe(privateKey)
  })

  it('is refused when it was cut off', () => {
    expect(refusal({ environment: { GITHUB_PRIVATE_KEY: privateKey.slice(0, 400) } })).toContain('github.private_key')
  })
})
