import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { armCrashPointFrom, programEnvironment, wantsColour } from './environment.ts'

/** A process of its own, since an armed point ends the process. */
const runArmed = (crashAt: string) => {
  const environment = fileURLToPath(new URL('./environment.ts', import.meta.url))
  const crashPoint = fileURLToPath(new URL('../domain/crash-point.ts', import.meta.url))
  const program = `
    const { armCrashPointFrom, processEnvironment } = await import(${JSON.stringify(environment)})
    const { crashPoint } = await import(${JSON.stringify(crashPoint)})
    armCrashPointFrom(processEnvironment())
    for (const round of [1, 2, 3]) { console.log(round); crashPoint('turn.after') }`
  const env = { PATH: programEnvironment({})['PATH'], JOURNEYMAN_CRASH_AT: crashAt }
  return spawnSync(process.execPath, ['--input-type=module', '-e', program], { env, encoding: 'utf8' })
}

describe('JOURNEYMAN_CRASH_AT', () => {
  it('kills the process at the named occurrence of the point', () => {
    expect(runArmed('turn.after:2')).toMatchObject({ signal: 'SIGKILL', stdout: '1\n2\n' })
    expect(runArmed('turn.after')).toMatchObject({ signal: 'SIGKILL', stdout: '1\n' })
  })

  it('does nothing at another point, or when it is empty', () => {
    expect(runArmed('push.after')).toMatchObject({ status: 0, stdout: '1\n2\n3\n' })
    expect(runArmed('')).toMatchObject({ status: 0, stdout: '1\n2\n3\n' })
  })

  it.each(['nowhere', 'turn.after:0', 'turn.after:x', ':1'])('refuses %s', (crashAt) => {
    expect(() => armCrashPointFrom({ JOURNEYMAN_CRASH_AT: crashAt })).toThrow(/JOURNEYMAN_CRASH_AT/)
  })
})

describe('what programs get of the environment', () => {
  it('is the path and the language, and no key, no setting of git and none of Node', () => {
    const given = { PATH: '/bin', LANG: 'C', ANTHROPIC_API_KEY: 'x', GIT_DIR: '/x', NODE_OPTIONS: '--inspect' }
    expect(programEnvironment(given)).toEqual({ PATH: '/bin', LANG: 'C' })
  })
})

describe('colours', () => {
  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ TERM: 'dumb' }, true, false],
  ])('with %o and terminal %s are %s', (environment, isTTY, expected) => {
    expect(wantsColour(environment, { isTTY })).toBe(expected)
  })
})
