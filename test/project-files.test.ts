import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

/** Files that no test can run here (no container engine, no GitHub): at least they say what they have to say. */
const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8')

describe('app.yml', () => {
  it('asks GitHub for exactly what is used', () => {
    const manifest = parse(read('app.yml'))
    expect(manifest.default_permissions).toEqual({
      metadata: 'read',
      contents: 'write',
      issues: 'write',
      pull_requests: 'write',
      checks: 'write',
    })
    expect(manifest.default_events).toEqual([
      'issues',
      'issue_comment',
      'pull_request',
      'pull_request_review',
      'pull_request_review_comment',
      'check_suite',
    ])
    expect(manifest.public).toBe(false)
  })
})

describe('compose.yaml', () => {
  const { services, networks } = parse(read('compose.yaml'))

  it('has no default password: one has to be given', () => {
    const uses = [...read('compose.yaml').matchAll(/\$\{POSTGRES_PASSWORD(.{2})/g)].map((match) => match[1])
    expect(uses).toEqual([':?', ':?'])
  })

  it('takes every privilege away and gives back what the sandbox needs', () => {
    expect(services.journeyman.cap_drop).toEqual(['ALL'])
    expect(services.journeyman.privileged).toBeUndefined()
    expect(services.journeyman.security_opt).toEqual(
      expect.arrayContaining(['no-new-privileges=true', 'seccomp=./seccomp.json']),
    )
  })

  it('opens the server to this machine only, and the database to nobody', () => {
    expect(services.journeyman.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)])
    expect(services.database.ports).toBeUndefined()
    expect(services.database.networks).toEqual(['inside'])
    expect(networks.inside.internal).toBe(true)
  })
})

describe('seccomp.json', () => {
  type Rule = { names: string[]; action: string }
  const profile: { defaultAction: string; syscalls: Rule[] } = JSON.parse(read('seccomp.json'))
  const allowed = profile.syscalls.filter((rule) => rule.action === 'SCMP_ACT_ALLOW').flatMap((rule) => rule.names)

  it('refuses what it does not name', () => expect(profile.defaultAction).toBe('SCMP_ACT_ERRNO'))

  it('lets bubblewrap make namespaces and mounts', () => {
    const needed = ['clone', 'clone3', 'unshare', 'mount', 'umount2', 'pivot_root', 'sethostname', 'prctl', 'seccomp']
    expect(allowed).toEqual(expect.arrayContaining(needed))
  })

  it.each([
    'io_uring_setup',
    'ptrace',
    'process_vm_readv',
    'keyctl',
    'add_key',
    'bpf',
    'perf_event_open',
    'userfaultfd',
  ])('does not allow %s', (name) => expect(allowed).not.toContain(name))
  it.each(['init_module', 'kexec_load', 'open_by_handle_at', 'reboot', 'settimeofday', 'swapon', 'acct', 'syslog'])(
    'does not allow %s',
    (name) => expect(allowed).not.toContain(name),
  )
})

describe('Dockerfile', () => {
  const text = read('Dockerfile')

  it('runs as nobody special, says how it is, and keeps data apart', () => {
    expect(text).toMatch(/^USER node$/m)
    expect(text).toMatch(/^HEALTHCHECK [\s\S]*\/health\/live/m)
    expect(text).toMatch(/^VOLUME \/data$/m)
    expect(text).toMatch(/^STOPSIGNAL SIGTERM$/m)
  })

  it('has inside what the sandbox and git need', () => {
    for (const name of ['bubblewrap', 'git']) expect(text).toMatch(new RegExp(`apt-get install [^\\n]*\\b${name}\\b`))
  })

  it('copies nothing that .dockerignore does not name', () => {
    const lines = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    expect(lines[0]).toBe('*')
    expect(lines).toContain('**/.env*')
  })
})
