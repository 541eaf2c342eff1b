import { z } from 'zod'
import { codeOf } from '../../../domain/errors.ts'
import type { GitHubClient } from '../../github-client/github-client.ts'
import type { VersionControl } from '../contract.ts'
import { orNull } from './or-null.ts'
import { gitRef } from './schema.ts'

export const branches = ({ request }: GitHubClient): Pick<VersionControl, 'getBranchHead' | 'deleteBranch'> => {
  const getBranchHead: VersionControl['getBranchHead'] = async (ref, branch) => {
    const route = 'GET /repos/{owner}/{repo}/git/ref/{ref}'
    const answer = await orNull(request(ref, route, { ref: `heads/${branch}` }, gitRef))
    return answer?.data.object.sha ?? null
  }

  const deleteBranch: VersionControl['deleteBranch'] = async (ref, branch) => {
    if ((await getBranchHead(ref, branch)) === null) return
    const route = 'DELETE /repos/{owner}/{repo}/git/refs/{ref}'
    await request(ref, route, { ref: `heads/${branch}` }, z.unknown()).catch((error) => {
      // Somebody else was quicker: GitHub says 422 for a reference that does not exist.
      if (!['not_found', 'invalid_input'].includes(codeOf(error))) throw error
    })
  }
  return { getBranchHead, deleteBranch }
}
