const actor = { login: 'alice', id: '1', isBot: false }
const event = {
  name: 'issue.labeled',
  provider: 'memory',
  repository: 'acme/shop',
  repositoryUrl: null,
  installation: null,
  actor,
  subject: { kind: 'issue', key: '1', url: 'https://tasks.test/1' },
  revision: '1',
  fields: {},
}

/** The row of a run as the door and the lane `acknowledge` leave it: it waits for a worker. */
export const acknowledgedRun = (id: string, definition: { hash: string; name: string }) => ({
  id,
  workflow: definition.name,
  definition_hash: definition.hash,
  intent_key: id,
  repository: 'acme/shop',
  installation: null,
  subject: 'issue/1',
  actor: JSON.stringify(actor),
  event: JSON.stringify(event),
  state: 'queued' as const,
  lease_owner: null,
  stop_requested_by: null,
  base_sha: null,
  acknowledged_at: new Date(),
  cost_cap: 1_000_000_000,
  token_cap: 1_000_000,
  deadline_seconds: 3_600,
})
