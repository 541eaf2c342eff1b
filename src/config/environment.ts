import { armCrashPoint, type CrashPoint, crashPoints } from '../domain/crash-point.ts'
import { JourneymanError } from '../domain/errors.ts'

/** The one place where the process's environment is taken from; who needs something of it is handed that something. */
export const processEnvironment = (): NodeJS.ProcessEnv => process.env

/**
 * What a program that we start (git, bubblewrap, ripgrep) needs of our environment, and nothing else: no key, no token,
 * no setting of git or of Node reaches it.
 */
export const programEnvironment = (environment: NodeJS.ProcessEnv): Record<string, string> => {
  const kept = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ'].flatMap((name) => {
    const value = environment[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries([['PATH', '/usr/local/bin:/usr/bin:/bin'], ...kept])
}

/** Colours only on a terminal, and never against NO_COLOR; FORCE_COLOR asks for them elsewhere. */
export const wantsColour = (environment: NodeJS.ProcessEnv, stream: { isTTY?: boolean }): boolean => {
  if (environment['NO_COLOR']) return false
  if (environment['FORCE_COLOR']) return environment['FORCE_COLOR'] !== '0'
  return stream.isTTY === true && environment['TERM'] !== 'dumb'
}

/**
 * For tests of crashes: `JOURNEYMAN_CRASH_AT=<point>[:<occurrence>]` has this process killed there. Called once, at start.
 * Throws `invalid_configuration` on a point that there is not, so that such a test cannot pass by accident.
 */
export const armCrashPointFrom = (environment: NodeJS.ProcessEnv): void => {
  const asked = environment['JOURNEYMAN_CRASH_AT']
  if (!asked) return
  const [point, occurrence = '1'] = asked.split(':')
  if (!isCrashPoint(point) || !/^[1-9][0-9]{0,5}$/.test(occurrence)) {
    throw new JourneymanError(
      'invalid_configuration',
      `JOURNEYMAN_CRASH_AT has to be <point>[:<occurrence>], where point is one of ${crashPoints.join(', ')}.`,
      { nextAction: 'Unset JOURNEYMAN_CRASH_AT; it is for tests only.' },
    )
  }
  armCrashPoint(point, Number(occurrence))
}

const isCrashPoint = (text: string | undefined): text is CrashPoint => crashPoints.some((point) => point === text)
