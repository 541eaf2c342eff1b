import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, FaultRule } from '../contract.ts'

/** The fault that this request meets, if any; each taking counts down the rule it came from. */
export const takeFault = (rules: FaultRule[], method: string, path: string): Fault | null => {
  const rule = rules.find(
    (each) => each.times > 0 && (each.method === undefined || each.method === method) && matches(each.path, path),
  )
  if (rule === undefined) return null
  rule.times -= 1
  return rule.fault
}

/** Does what comes before the work; true when the request is dealt with and no work is to be done. */
export const meetFault = async (fault: Fault | null, response: ServerResponse): Promise<boolean> => {
  if (fault === null) return false
  if (fault.kind === 'hang') return true
  if (fault.kind === 'delay') await sleep(fault.ms)
  if (fault.kind === 'drop') response.destroy()
  if (fault.kind === 'status') answerFault(response, fault.status, fault.headers, fault.body)
  return fault.kind === 'drop' || fault.kind === 'status'
}

/** Does what comes instead of the answer once the work is done; true when nothing else is to be answered. */
export const hideAnswer = (fault: Fault | null, response: ServerResponse): boolean => {
  if (fault?.kind === 'drop_after') response.destroy()
  if (fault?.kind === 'after') answerFault(response, fault.status)
  return fault?.kind === 'drop_after' || fault?.kind === 'after'
}

/** A pattern with the flag `g` or `y` would remember where it stood; a rule must not. */
const matches = (pattern: RegExp, path: string): boolean => {
  pattern.lastIndex = 0
  return pattern.test(path)
}

const answerFault = (
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
  body: unknown = { message: `The world was told to answer with ${status} here.` },
): void => {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers }).end(text)
}
