import { parseAddress } from '../domain/address.ts'
import type { PlanStep } from '../domain/plan.ts'

/** The step of the plan that stands at an address, whatever the iteration; null for what the plan does not have. */
export const planAt = (plan: PlanStep[], address: string): PlanStep | null => {
  const segments = parseAddress(address)
  if (segments === null || segments.length === 0) return null
  let among = plan
  let found: PlanStep | null = null
  let way: 'then' | 'else' | null = null
  for (const { name, branch } of segments) {
    found = among.find((step) => step.name === name && (way === null || step.branch === way)) ?? null
    if (found === null) return null
    among = found.steps
    way = branch
  }
  return found
}
