import type { z } from 'zod'

/** Where a call acts. Without an installation's number it is looked up once for each repository. */
export type Place = { repository: string; installation: string | null }

export type Answer<Data> = { data: Data; link: string }

/**
 * GitHub as one app sees it: credentials, time limits, the spacing of writes and the translation of failures. The two
 * GitHub plugins share it, since they are two views of one service and one rate limit. Only reads are tried again here:
 * a write whose answer was lost may have been done, and asking first is the effect ledger's.
 */
export type GitHubClient = {
  url: string
  /** As the app itself. */
  asApp: <Data>(route: string, parameters: object, schema: z.ZodType<Data>) => Promise<Answer<Data>>
  /** As the installation of a repository; `{owner}` and `{repo}` are filled in. */
  request: <Data>(place: Place, route: string, parameters: object, schema: z.ZodType<Data>) => Promise<Answer<Data>>
  /** The bot user that our writes are made as. */
  self: () => Promise<{ login: string; id: string }>
  appId: string
  /** A token for git, good for this repository alone. */
  gitToken: (place: Place) => Promise<{ token: string; expiresAt: Date }>
}
