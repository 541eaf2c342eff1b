/** A pull request or merge request. The field names are those that workflows use. */
export type Change = {
  number: number
  url: string
  title: string
  description: string
  state: 'open' | 'closed' | 'merged'
  draft: boolean
  source_branch: string
  target_branch: string
  head_sha: string
  repository: string
}

export type ChangedFile = {
  path: string
  status: 'added' | 'modified' | 'deleted' | 'renamed'
  additions: number
  deletions: number
}
