import { failureOf } from '../domain/errors.ts'
import type { VersionControl } from '../plugins/version-control/contract.ts'
import type { Log } from './log.ts'

const askSelfEveryMs = 30_000

/**
 * Our own events are told apart by number. Until GitHub has said which is ours (before the app is installed anywhere it
 * cannot), they are told apart by the app that a comment says it came from.
 */
export const rememberSelf = (versionControl: VersionControl, log: Log): (() => string | null) => {
  let id: string | null = null
  let askedAt = -Infinity
  const ask = () => {
    askedAt = performance.now()
    versionControl.self().then(
      (self) => {
        id = self.id
      },
      (error: unknown) => log('warn', 'GitHub did not say who this app is', { failure: failureOf(error) }),
    )
  }
  ask()
  return () => {
    if (id === null && performance.now() - askedAt > askSelfEveryMs) ask()
    return id
  }
}
