import { createHmac, timingSafeEqual } from 'node:crypto'
import type { z } from 'zod'
import { JourneymanError } from '../domain/errors.ts'
import type { Event, Reading } from '../domain/event.ts'
import { storableText } from '../domain/storable-text.ts'
import { findCommands } from './find-commands.ts'
import { type Common, common, type Issue, type Pull, payloads } from './github-schema.ts'

/** `closed`: no secret is configured, so nobody can be believed and the route answers 503. */
export type Verdict = 'ok' | 'bad' | 'unsigned' | 'closed'

/**
 * Checks the signature over the bytes as they came, in constant time. Two secrets may be live during rotation, and each
 * is tried. The older SHA-1 signature counts as none.
 */
export const verifyGitHub = (
  rawBody: Buffer,
  headers: Record<string, string | string[] | undefined>,
  secrets: string[],
): Verdict => {
  const live = secrets.filter((secret) => secret !== '')
  if (live.length === 0) return 'closed'
  const header = headers['x-hub-signature-256']
  if (header === undefined || header === '') return 'unsigned'
  const hex = typeof header === 'string' ? /^sha256=([0-9a-f]{64})$/i.exec(header)?.[1] : undefined
  if (hex === undefined) return 'bad'
  const given = Buffer.from(hex, 'hex')
  const matches = live.map((secret) => timingSafeEqual(given, createHmac('sha256', secret).update(rawBody).digest()))
  return matches.includes(true) ? 'ok' : 'bad'
}

/** Who we are there. What we did ourselves starts nothing. A null is not known (yet). */
export type Self = { userId: string | null; appId: string | null }

/** GitHub's name for a delivery, as it is kept: `issues.labeled`, or `ping`. */
export const typeOfGitHub = (eventHeader: string, body: unknown): string => {
  const action = typeof body === 'object' && body !== null && 'action' in body ? body.action : undefined
  return storableText((typeof action === 'string' ? `${eventHeader}.${action}` : eventHeader).slice(0, 200))
}

/**
 * What a delivery means, by its `X-GitHub-Event` and its parsed body. Looks at nothing but these. Throws `invalid_input`
 * for a payload that lacks what its name promises.
 */
export const readGitHub = (eventHeader: string, body: unknown, self: Self): Reading => {
  const type = typeOfGitHub(eventHeader, body)
  const reader = Object.hasOwn(readers, type) ? readers[type] : undefined
  if (!reader) return { ignored: `Nothing here is started by ${type}.` }
  const payload = parse(common, body, type)
  if (String(payload.sender.id) === self.userId) return { ignored: 'It was done by this app itself.' }
  return reader(body, type, self)
}

type Reader = (body: unknown, type: string, self: Self) => Reading

const readers: Record<string, Reader | undefined> = {
  'issues.labeled': (body, type) => {
    const payload = parse(payloads.issueLabeled, body, type)
    const name = isPull(payload.issue) ? 'change.labeled' : 'issue.labeled'
    return one(payload, name, subjectOfIssue(payload.issue), payload.issue.updated_at, { label: payload.label.name })
  },
  'issues.opened': (body, type) => {
    const payload = parse(payloads.issueOpened, body, type)
    if (isPull(payload.issue)) return { ignored: 'An opened pull request starts nothing here.' }
    return one(payload, 'issue.opened', subjectOfIssue(payload.issue), payload.issue.updated_at, {})
  },
  'issues.assigned': (body, type) => {
    const payload = parse(payloads.issueAssigned, body, type)
    if (isPull(payload.issue)) return { ignored: 'The assignment of a pull request starts nothing here.' }
    const { login, id } = payload.assignee
    const fields = { assignee: login, assignee_id: String(id) }
    return one(payload, 'issue.assigned', subjectOfIssue(payload.issue), payload.issue.updated_at, fields)
  },
  'issue_comment.created': (body, type, self) => {
    const payload = parse(payloads.issueCommented, body, type)
    const { issue, comment } = payload
    if (isOurs(comment.performed_via_github_app, self)) return { ignored: 'The comment is this app\u2019s own.' }
    const given = commands(payload, subjectOfIssue(issue), comment, 'comment')
    if (given.length > 0) return { events: given }
    if (!isPull(issue)) return { ignored: 'The comment holds no command.' }
    return one(payload, 'change.commented', subjectOfIssue(issue), `comment ${comment.id}`, {
      comment_id: String(comment.id),
    })
  },
  'pull_request.labeled': (body, type) => {
    const payload = parse(payloads.pullLabeled, body, type)
    const { pull_request: pull, label } = payload
    const fields = { label: label.name, ...fieldsOfPull(pull) }
    return one(payload, 'change.labeled', subjectOfPull(pull), pull.updated_at, fields)
  },
  'pull_request.closed': (body, type) => {
    const payload = parse(payloads.pullClosed, body, type)
    const pull = payload.pull_request
    const name = pull.merged === true ? 'change.merged' : 'change.closed'
    return one(payload, name, subjectOfPull(pull), pull.updated_at, fieldsOfPull(pull))
  },
  'pull_request_review.submitted': (body, type) => {
    const payload = parse(payloads.pullReviewed, body, type)
    const { pull_request: pull, review } = payload
    const fields = { state: review.state.toLowerCase(), review_id: String(review.id), ...fieldsOfPull(pull) }
    const reviewed = eventOf(payload, 'change.reviewed', subjectOfPull(pull), `review ${review.id}`, fields)
    return { events: [reviewed, ...commands(payload, subjectOfPull(pull), review, 'review')] }
  },
  'pull_request_review_comment.created': (body, type, self) => {
    const payload = parse(payloads.reviewCommented, body, type)
    const { pull_request: pull, comment } = payload
    if (isOurs(comment.performed_via_github_app, self)) return { ignored: 'The comment is this app\u2019s own.' }
    const given = commands(payload, subjectOfPull(pull), comment, 'review_comment')
    return given.length > 0 ? { events: given } : { ignored: 'An inline comment is read with its review.' }
  },
  'check_suite.completed': (body, type, self) => {
    const payload = parse(payloads.checksCompleted, body, type)
    const suite = payload.check_suite
    if (isOurs(suite.app, self)) return { ignored: 'The checks are this app\u2019s own.' }
    if (suite.pull_requests.length === 0) return { ignored: 'The checks belong to no pull request of this repository.' }
    return { events: suite.pull_requests.flatMap((pull) => checksOf(payload, pull.number, suite)) }
  },
}

const parse = <Schema extends z.ZodType>(schema: Schema, body: unknown, type: string): z.infer<Schema> => {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const path = issue?.path.map(String).join('.') ?? ''
  throw new JourneymanError('invalid_input', `The payload of ${type} does not fit at "${path}": ${issue?.message}.`, {
    detail: { path },
  })
}

type Subject = Event['subject']

const eventOf = (
  payload: Common,
  name: Event['name'],
  subject: Subject,
  revision: string,
  fields: Record<string, string>,
): Event => ({
  name,
  provider: 'github',
  repository: payload.repository.full_name,
  repositoryUrl: payload.repository.html_url,
  installation: payload.installation ? String(payload.installation.id) : null,
  actor: {
    login: payload.sender.login,
    id: String(payload.sender.id),
    isBot: payload.sender.type === 'Bot',
  },
  subject,
  revision,
  fields,
})

const one = (...args: Parameters<typeof eventOf>): Reading => ({ events: [eventOf(...args)] })

/** GitHub numbers issues and pull requests in one row, and tells of both as issues in places. */
const isPull = (issue: Issue): boolean => issue.pull_request !== undefined && issue.pull_request !== null

const subjectOfIssue = (issue: Issue): Subject => ({
  kind: isPull(issue) ? 'change' : 'issue',
  key: String(issue.number),
  url: issue.html_url,
})

const subjectOfPull = (pull: Pull): Subject => ({ kind: 'change', key: String(pull.number), url: pull.html_url })

const fieldsOfPull = (pull: Pull): Record<string, string> => ({
  head_sha: pull.head.sha,
  source_branch: pull.head.ref,
  target_branch: pull.base.ref,
})

const isOurs = (app: { id: number } | null | undefined, self: Self): boolean =>
  app !== null && app !== undefined && String(app.id) === self.appId

/** Each says when and where it was written, so that it can be answered there: `comment_id`, `review_id` or `review_comment_id`. */
const commands = (
  payload: Common,
  subject: Subject,
  written: {
    id: number
    body: string | null
    created_at?: string | null | undefined
    submitted_at?: string | null | undefined
  },
  place: 'comment' | 'review' | 'review_comment',
): Event[] => {
  const saidAt = written.created_at ?? written.submitted_at
  return findCommands(written.body ?? '').map((command, index) =>
    eventOf(payload, 'command.given', subject, `${place} ${written.id} command ${index}`, {
      ...command,
      [`${place}_id`]: String(written.id),
      ...(typeof saidAt === 'string' && { said_at: saidAt }),
    }),
  )
}

const failures: ReadonlySet<string> = new Set(['failure', 'timed_out', 'startup_failure'])

/** Many suites look at one commit: the commit is the occasion, and not each suite. */
const checksOf = (
  payload: Common,
  number: number,
  suite: { head_sha: string; head_branch: string | null; conclusion: string | null },
): Event[] => {
  const subject: Subject = {
    kind: 'change',
    key: String(number),
    url: `${payload.repository.html_url}/pull/${number}`,
  }
  const conclusion = suite.conclusion ?? 'neutral'
  const fields = { head_sha: suite.head_sha, source_branch: suite.head_branch ?? '', conclusion }
  const names: Event['name'][] = failures.has(conclusion) ? ['checks.completed', 'checks.failed'] : ['checks.completed']
  return names.map((name) => eventOf(payload, name, subject, suite.head_sha, fields))
}
