/**
 * Named places where a test may have the process killed. They do nothing unless the process was started with
 * `JOURNEYMAN_CRASH_AT=<point>[:<occurrence>]`, which `config/` reads and arms at start; there is no other way to arm one.
 */
export const crashPoints = [
  'claim.before',
  'claim.after',
  'step.before',
  'step.after',
  'model.before',
  'model.after',
  'turn.after',
  'tool.before',
  'tool.after',
  'snapshot.before',
  'snapshot.after',
  'commit.before',
  'commit.after',
  'push.before',
  'push.sent',
  'push.after',
  'pull_request.before',
  'pull_request.sent',
  'pull_request.after',
  'comment.before',
  'comment.sent',
  'comment.after',
  'effect.before',
  'effect.sent',
  'effect.after',
  'settle.before',
  'settle.after',
  'ingest.committed',
  'command.taken',
  'park.before',
  'park.after',
  'approval.asked',
  'approval.decided',
  'approval.consumed',
  'signal.taken',
  'items.remembered',
  'branch.cancelled',
  'retry.counted',
  'reopen.before',
  'reopen.after',
  'rollback.before',
  'rollback.after',
  'slot.taken',
  'slot.freed',
  'breaker.written',
  'complete.before',
  'complete.after',
] as const
export type CrashPoint = (typeof crashPoints)[number]

let armed: { point: CrashPoint; left: number } | undefined

export const armCrashPoint = (point: CrashPoint, occurrence: number): void => {
  armed = { point, left: occurrence }
}

export const disarmCrashPoint = (): void => {
  armed = undefined
}

export const crashPoint = (point: CrashPoint): void => {
  if (armed?.point !== point) return
  armed.left -= 1
  if (armed.left === 0) process.kill(process.pid, 'SIGKILL')
}
