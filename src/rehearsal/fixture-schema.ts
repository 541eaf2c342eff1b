import { z } from 'zod'
import { errorCodes } from '../domain/errors.ts'
import { stepStates } from '../domain/run.ts'

/**
 * What may stand in a `<workflow>.test.yaml`. Everything but a name may be left out: a case without an event begins with the
 * workflow's first trigger, one without a model has an agent that writes one file, one without `expect` expects `done`.
 */
const files = z.record(z.string(), z.string())
const texts = z.array(z.string())
const oneOrMore = <Schema extends z.ZodType>(schema: Schema) => z.union([schema, z.array(schema)])
const stepKey = z.string().min(1)
const permission = z.enum(['admin', 'maintain', 'write', 'triage', 'read', 'none'])

/** What the world's GitHub can tell of; the door of this version takes no other. */
export const worldEvents = [
  'issue.labeled',
  'issue.opened',
  'issue.assigned',
  'change.labeled',
  'change.commented',
  'change.reviewed',
  'change.merged',
  'change.closed',
  'checks.completed',
  'checks.failed',
] as const
const worldEvent = z.enum(worldEvents)

const ticketEdit = z.strictObject({ title: z.string().optional(), body: z.string().optional() })

const deed = {
  by: z.string().optional().describe('Who does it: one of `people`. The first of them if nobody is named.'),
  event: worldEvent.optional(),
  label: z.string().optional(),
  assignee: z.string().optional(),
  state: z.enum(['approved', 'changes_requested', 'commented']).optional().describe('Of a review.'),
  conclusion: z.string().optional().describe('Of checks: success, failure …'),
  head_sha: z.string().optional().describe('Of checks; without it, the head that the pull request has then.'),
  comment: z.string().optional().describe('Said below the ticket, or below what `on` names.'),
  on: z.enum(['issue', 'pull_request']).optional(),
}
export const startSchema = z.strictObject(deed)

export const deedSchema = z.strictObject({
  ...deed,
  edit: ticketEdit.optional().describe('The ticket is edited.'),
  push: z.strictObject({ branch: z.string().optional(), files }).optional().describe('Somebody else pushes a commit.'),
  when: stepKey.optional().describe('Once the run waits at this step; else once it waits for anything to come.'),
  during: stepKey.optional().describe('While the agent of this step is at work: when it first asks the model.'),
})

const verdict = z.enum(['approve', 'reject', 'nothing'])
const answerSchema = z.strictObject({
  by: z.string().optional(),
  edit: ticketEdit.optional().describe('The ticket is edited just before the answer, or instead of one.'),
  approve: z
    .union([z.literal(true), z.string()])
    .optional()
    .describe('true, or what is said with it.'),
  reject: z.union([z.literal(true), z.string()]).optional(),
})
const answers = oneOrMore(z.union([verdict, answerSchema]))

const turnSchema = z.strictObject({
  say: z.string().optional(),
  view: oneOrMore(z.string()).optional().describe('Files that it looks at.'),
  write: files.optional().describe('Files as they should be: path -> content.'),
  edit: z.record(z.string(), files).optional().describe('Parts of files: path -> { old text: new text }.'),
  run: oneOrMore(z.string()).optional().describe('Shell commands, in the sandbox.'),
  call: z.record(z.string(), z.unknown()).optional().describe('Any tool: name -> input.'),
  submit: z.record(z.string(), z.unknown()).optional().describe('Hands in; what is not said is filled in.'),
  answer: z.string().optional().describe('Words alone, without a tool.'),
  fail: z
    .union([z.int().min(400).max(599), z.enum(['cut', 'hang', 'refusal'])])
    .optional()
    .describe('The call fails like this before the next turn is answered.'),
  times: z.int().positive().max(100).optional().describe('How often it fails; 1.'),
})
const turns = z.array(turnSchema)
const model = z.union([turns, z.record(z.string(), z.union([turns, z.array(turns).min(1)]))])

const outage = z.strictObject({
  on: z.enum(['github', 'git', 'claude']),
  request: z.string().optional().describe('"POST pulls", "issues/*/labels": without it, every request.'),
  answer: z
    .union([z.int().min(400).max(599), z.enum(['hang', 'drop', 'lost'])])
    .describe('lost: done, and then not told.'),
  times: z.int().positive().max(1000).optional().describe('1.'),
  after: z.int().nonnegative().max(1000).optional().describe('So many requests pass before; 0.'),
})

const pullRequest = z.strictObject({
  title: z.string().optional(),
  body: z.string().optional(),
  branch: z.string().optional(),
  base: z.string().optional(),
  draft: z.boolean().optional(),
  labels: texts.optional(),
})
const issue = z.strictObject({
  title: z.string().optional(),
  body: z.string().optional(),
  author: z.string().optional(),
  labels: texts.optional(),
})

const amount = z.union([
  z.number().nonnegative(),
  z.strictObject({ at_most: z.number().optional(), at_least: z.number().optional() }),
])
const expectedStep = z.strictObject({
  state: z.enum(stepStates).optional(),
  code: z.enum(errorCodes).optional().describe('Of its failure.'),
  attempts: z.int().optional(),
  reason: z.string().optional().describe('Why it was skipped.'),
  result: z.unknown().optional(),
  inputs: z.unknown().optional(),
})
const endStates = ['done', 'failed', 'stopped', 'refused', 'parked', 'not_started'] as const

export const expectSchema = z.strictObject({
  state: z.enum(endStates).optional().describe('`done` if neither this nor `failure` is said.'),
  failure: z
    .union([
      z.enum(errorCodes),
      z.strictObject({ code: z.enum(errorCodes).optional(), message: z.string().optional() }),
    ])
    .optional(),
  steps: z
    .record(z.string(), z.union([z.enum([...stepStates, 'absent']), expectedStep]))
    .optional()
    .describe('Address, or a name that stands for every step of that name.'),
  exactly: z.boolean().optional().describe('No step but those in `steps`.'),
  variables: z.record(z.string(), z.unknown()).optional(),
  effects: z
    .union([
      z.record(z.string(), z.int().nonnegative()),
      z.array(z.strictObject({ kind: z.string(), target: z.string().optional(), times: z.int().optional() })),
    ])
    .optional()
    .describe('What was written outside: kind -> how often, or a list.'),
  pull_request: z
    .strictObject({
      ...pullRequest.shape,
      state: z.enum(['open', 'closed', 'merged']).optional(),
      files: z.union([texts, files]).optional().describe('All paths that it changes, or what stands in some of them.'),
    })
    .nullable()
    .optional()
    .describe('The one that the run opened; null: none.'),
  issue: z
    .strictObject({
      title: z.string().optional(),
      body: z.string().optional(),
      state: z.enum(['open', 'closed']).optional(),
      labels: texts.optional().describe('It has these, among others.'),
      without_labels: texts.optional(),
    })
    .optional(),
  comments: texts.optional().describe('Each stands in a comment on the ticket.'),
  no_comments: texts.optional().describe('None of these stands in a comment on the ticket.'),
  branches: texts.optional().describe('All branches that there are in the end.'),
  cost: amount.optional().describe('US dollars.'),
  waited: amount.optional().describe('Seconds that the run would have waited, give or take five.'),
})

const world = {
  people: z.record(z.string(), permission).optional().describe('Login -> permission. `alice: write` without it.'),
  repository: z
    .strictObject({
      files: files.optional().describe('Path -> content, as one commit on `main`.'),
      checks: z.record(z.string(), z.string()).optional().describe('Checks of `.journeyman.yml`: name -> command.'),
      branches: z.record(z.string(), files).optional().describe('Further branches: name -> files.'),
      archived: z.boolean().optional(),
    })
    .optional(),
  issue: issue.optional().describe('The ticket.'),
  issues: z.array(issue).optional().describe('Further ones, numbered from 2.'),
  pull_request: z
    .strictObject({ ...pullRequest.shape, author: z.string().optional(), files: files.optional() })
    .optional()
    .describe('One that is there already.'),
  event: z
    .union([worldEvent, z.string().regex(/^\//, 'is an event, or a comment that begins with a slash'), startSchema])
    .optional(),
  model: model.optional(),
  answers: z
    .record(z.string(), answers)
    .optional()
    .describe('Approval step -> what people answer, one each time they are asked.'),
  later: z.array(deedSchema).optional().describe('What happens then, in this order.'),
  outages: z.array(outage).optional(),
  config: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Dotted keys of journeyman.yaml: `runs.max_cost_usd: 1`.'),
}

const testSchema = z.strictObject({
  name: z.string().min(1),
  ...world,
  expect: expectSchema.optional(),
  only: z.boolean().optional().describe('Run those that say so and no others.'),
  skip: z.union([z.boolean(), z.string()]).optional().describe('Leave it out, and why.'),
})

export const fixtureSchema = z.strictObject({
  defaults: z.strictObject(world).optional().describe('For every case; what a case says itself wins, key by key.'),
  tests: z.array(testSchema).min(1),
})

export type Fixture = z.infer<typeof fixtureSchema>
export type Test = z.infer<typeof testSchema>
export type Turn = z.infer<typeof turnSchema>
export type Model = z.infer<typeof model>
export type Start = z.infer<typeof startSchema>
export type Deed = z.infer<typeof deedSchema>
export type Answer = z.infer<typeof answerSchema>
export type Outage = z.infer<typeof outage>
export type Expected = z.infer<typeof expectSchema>
