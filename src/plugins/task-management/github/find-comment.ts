import { z } from 'zod'
import type { GitHubClient } from '../../github-client/github-client.ts'
import type { TaskRef } from '../contract.ts'
import { comment, type IssueComment } from './schema.ts'

/** A hundred comments a page. */
const maxPages = 6

/**
 * The newest comment of ours that holds the marker. GitHub lists an issue's comments oldest first only, so it is walked
 * from the last page backwards; the first page is looked at in any case, since ours is often among the first.
 */
export const findComment = async (
  client: GitHubClient,
  ref: TaskRef,
  marker: string,
  butNot?: string,
): Promise<IssueComment | null> => {
  const { id: ourId } = await client.self()
  const route = 'GET /repos/{owner}/{repo}/issues/{issue_number}/comments'
  const pageOf = (page: number) =>
    client.request(ref, route, { issue_number: Number(ref.key), per_page: 100, page }, z.array(comment))
  const isIt = (each: IssueComment) =>
    String(each.user?.id) === ourId && (each.body ?? '').includes(marker) && String(each.id) !== butNot

  const first = await pageOf(1)
  const last = lastPageOf(first.link)
  for (let page = last; page > Math.max(1, last - maxPages + 1); page--) {
    const { data } = await pageOf(page)
    const found = data.findLast(isIt)
    if (found) return found
  }
  return first.data.findLast(isIt) ?? null
}

const lastPageOf = (link: string): number => {
  const last = /<([^<>]+)>; rel="last"/.exec(link)?.[1]
  return last === undefined ? 1 : Number(new URL(last).searchParams.get('page')) || 1
}
