import type { RecordedRequest, Violation } from '../contract.ts'
import type { GitHubState } from './state.ts'

/** A long demonstration must not fill the memory with what was asked long ago. */
const maxRecorded = 50_000

export const noteViolation = (
  state: GitHubState,
  side: Violation['side'],
  method: string,
  path: string,
  problems: string[],
): void => {
  state.violations.push({ service: 'github', side, method, path, message: problems.join('; ') })
}

/** Starts the record of a request; the status is filled in when it is known, and stays 0 when none is answered. */
export const recordRequest = (
  state: GitHubState,
  service: RecordedRequest['service'],
  method: string,
  path: string,
): RecordedRequest => {
  const record: RecordedRequest = { service, method, path, status: 0, at: Date.now(), body: undefined }
  state.requests.push(record)
  if (state.requests.length > maxRecorded) state.requests.shift()
  return record
}
