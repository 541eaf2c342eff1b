import { parseAddress } from '../domain/address.ts'
import { readApprover } from '../domain/approver.ts'
import type { Approval } from '../store/approvals.ts'
import { disarm, fenced, inlineCode } from './disarm.ts'
import { outline } from './outline.ts'
import { planAt } from './plan-at.ts'
import type { ProgressFacts } from './progress-facts.ts'
import { clockTime, listing, oneLine, plural } from './wording.ts'

/** All that is shown of all that waits; the host takes some 65,000 characters, and there is more than this to say. */
const mostShownCharacters = 24_000
const mostBlocks = 10
/** What fits on a screen stands open. */
const mostOpenLines = 25

/** What waits for a person's yes or no: what it is, who may say it, until when and how. */
export const approvalBlocks = (facts: ProgressFacts): string[] => {
  const waiting = facts.approvals.filter(({ state }) => state === 'waiting')
  const room = Math.floor(mostShownCharacters / Math.max(1, Math.min(waiting.length, mostBlocks)))
  const more = waiting.length - mostBlocks
  return [
    ...waiting.slice(0, mostBlocks).flatMap((approval) => ['', ...block(facts, approval, room)]),
    ...(more > 0 ? ['', `and ${plural(more, 'more question')}: \`/ai approve <step>\` answers one of them.`] : []),
  ]
}

const block = (facts: ProgressFacts, approval: Approval, room: number): string[] => {
  const name = parseAddress(approval.address)?.at(-1)?.name ?? approval.address
  const step = planAt(facts.plan, approval.address)
  const what =
    step && step.description !== name ? `${disarm(oneLine(step.description, 160))} (\`${name}\`)` : `\`${name}\``
  const again =
    approval.asked > 1
      ? [
          `Asked again, for the ${ordinal(approval.asked)} time: what it is about was edited since, so earlier answers do not count.`,
          '',
        ]
      : []
  return [
    `**${what}: yes or no?** ${whoAndWhen(approval, facts.now)}`,
    '',
    ...again,
    ...shown(facts, approval, room),
    '',
    `Say \`/ai approve ${name}\` or \`/ai reject ${name} <why>\` in a comment.`,
  ]
}

const shown = (facts: ProgressFacts, { shown: value, shownHash }: Approval, room: number): string[] => {
  const text = outline(value)
  const kept = text.length <= room ? text : text.slice(0, room).replace(/[\ud800-\udbff]$/, '')
  const open = kept.split('\n').length <= mostOpenLines ? ' open' : ''
  const about = facts.run.subject.startsWith('change/') ? 'pull request' : 'issue'
  const cut =
    kept.length < text.length
      ? [
          '',
          `**These are the first ${room.toLocaleString('en')} of ${text.length.toLocaleString('en')} characters.** The whole is what an answer counts for: \`journeyman status ${facts.run.id}\` shows it.`,
        ]
      : []
  return [
    `<details${open}><summary>An answer counts for exactly this, and for the ${about} as it stands (${shownHash.slice(0, 8)})</summary>`,
    '',
    fenced(kept, 'text'),
    ...cut,
    '',
    '</details>',
  ]
}

const whoAndWhen = (approval: Approval, now: Date): string => {
  const who = `${whoMay(approval.approvers)} can answer`
  if (approval.expiresAt === null) return `${who}.`
  return `${who} until ${clockTime(approval.expiresAt, now)}; ${otherwise[approval.onTimeout]}.`
}

const otherwise = {
  approve: 'without an answer it counts as a yes',
  reject: 'without an answer it counts as a no',
  fail: 'without an answer the run fails',
} as const

/** In words that call nobody: each mention would be a message to them with every edit. */
const whoMay = (approvers: string[]): string => {
  const read = approvers.map(readApprover).filter((one) => one !== null)
  const given = read.filter(({ kind }) => kind !== 'not_asker')
  const words = given.map((one) => {
    if (one.kind === 'role') return `people with ${one.access} access`
    return one.kind === 'team' ? `members of ${inlineCode(one.team)}` : inlineCode((one as { login: string }).login)
  })
  const who =
    words.length > 0 ? listing(words, 'or') : approvers.length > read.length ? 'nobody' : 'people with write access'
  const but = given.length < read.length ? ', but for who asked for this run,' : ''
  return `${who.charAt(0).toUpperCase()}${who.slice(1)}${but}`
}

const ordinal = (count: number): string => {
  const ending = ['th', 'st', 'nd', 'rd'][count % 100 > 10 && count % 100 < 14 ? 0 : count % 10] ?? 'th'
  return `${count}${ending}`
}
