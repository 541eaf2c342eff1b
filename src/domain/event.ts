export const eventNames = [
  'issue.labeled',
  'issue.opened',
  'issue.assigned',
  'task.transitioned',
  'task.assigned',
  'task.labeled',
  'change.labeled',
  'change.commented',
  'change.reviewed',
  'change.merged',
  'change.closed',
  'checks.failed',
  'checks.completed',
  'command.given',
  'message.mentioned',
  'schedule.due',
  'api.requested',
] as const
export type EventName = (typeof eventNames)[number]

export type Actor = {
  login: string
  /** The provider's own number: a name can be taken over, a number cannot. */
  id: string
  isBot: boolean
}

/** What a delivery means in our words. Kept as JSON beside its delivery and its run. */
export type Event = {
  name: EventName
  provider: string
  /** `owner/name` as the provider writes it. */
  repository: string | null
  repositoryUrl: string | null
  /** What the provider needs to act there: GitHub's installation id. */
  installation: string | null
  actor: Actor
  /** The ticket or change that it is about. `kind/number` with the repository makes the subject of a run. */
  subject: { kind: 'issue' | 'change' | 'task'; key: string; url: string } | null
  /** What tells two legitimate events on one subject apart (the labelling's time, the head commit); part of the intent key. */
  revision: string
  /** What triggers match on: label, to, command, arguments. */
  fields: Record<string, string>
}

/** One request from outside as it arrived, its signature already checked. */
export type Delivery = {
  provider: string
  /** The provider's own id of it; unique per provider. */
  deliveryId: string
  /** The provider's name of what it is: `issues.labeled`. */
  type: string
  body: Buffer
  receivedAt: Date
}

/** What a provider's parser says of a delivery: events that may start something, or why it is of no use to us. */
export type Reading = { events: Event[] } | { ignored: string }
