import { z } from 'zod'
import type { GitHubClient } from '../../github-client/github-client.ts'
import type { TaskRef } from '../contract.ts'
import { ignoringMissing, numberOf } from './issue-number.ts'

/** One write to add all, and one for each that goes: labels that people set in the meantime stay as they are. */
export const changeLabels = async (
  request: GitHubClient['request'],
  ref: TaskRef,
  change: { add: string[]; remove: string[] },
): Promise<void> => {
  const path = '/repos/{owner}/{repo}/issues/{issue_number}/labels'
  if (change.add.length > 0) {
    await request(ref, `POST ${path}`, { ...numberOf(ref), labels: change.add }, z.unknown())
  }
  for (const name of change.remove) {
    await ignoringMissing(request(ref, `DELETE ${path}/{name}`, { ...numberOf(ref), name }, z.unknown()))
  }
}
