import { parseAddress } from '../domain/address.ts'
import type { Approval } from '../store/approvals.ts'

export type Choice = { approvals: Approval[]; comment: string | null } | { unknown: string }

/**
 * Which of the waiting approvals an answer is about. `/ai approve deploy` names one; words after the name, or without one, are
 * a comment. One word alone is meant as a name: taken for a comment, `/ai approve deploi` would approve everything else.
 * A no may be one word long: it can do no harm.
 */
export const chooseApprovals = (verdict: 'approved' | 'rejected', said: string, waiting: Approval[]): Choice => {
  const [first = '', ...rest] = said.split(/\s+/).filter((word) => word !== '')
  const name = first.replace(/^`|`$/g, '')
  const named = waiting.filter(({ address }) => address === name || nameOf(address) === name)
  if (named.length > 0) return { approvals: named, comment: rest.join(' ') || null }
  if (verdict === 'approved' && first !== '' && rest.length === 0) return { unknown: name }
  return { approvals: waiting, comment: said || null }
}

/** What people call it: the step's own name. */
export const nameOf = (address: string): string => parseAddress(address)?.at(-1)?.name ?? address
