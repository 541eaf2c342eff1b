import type { World, WorldIssue, WorldPull, WorldRepository, WorldUser } from '../world/contract.ts'
import type { Outage } from './fixture-schema.ts'
import type { Case } from './read-fixture.ts'

/** The world of one case: a repository that no other case has seen, a ticket, and people. */
export type Scene = {
  repository: WorldRepository
  issue: WorldIssue
  pull: WorldPull | null
  person: (login?: string) => WorldUser
  /** Outages of the code host that no request has met. */
  unmet: () => Outage[]
}

const plainFiles = { 'README.md': '# Corner shop\n\nPrices in cents.\n' }
/** So that a pull request of a test that says nothing of checks is no draft. */
const passingChecks = { test: 'true' }

export const setScene = async (world: World, each: Case, number: number): Promise<Scene> => {
  world.github.faults.splice(0)
  world.claude.forget()
  // A name of one length for all, since names stand in prompts and prompts cost.
  const owner = `acme-${String(number).padStart(4, '0')}`
  const { files, checks, branches = {}, archived = false } = each.repository ?? {}
  const settings = checks ?? (files === undefined ? passingChecks : null)
  const repository = await world.github.createRepository(`${owner}/shop`, {
    ...(files ?? plainFiles),
    ...(settings && { '.journeyman.yml': settingsText(settings) }),
  })
  for (const [branch, own] of Object.entries(branches)) {
    await repository.git('branch', branch, 'main')
    if (Object.keys(own).length > 0) await repository.commit(branch, own, `Work on ${branch}`)
  }
  for (const [login, permission] of Object.entries(each.people)) {
    world.github.addUser(login)
    repository.setPermission(login, permission as Parameters<WorldRepository['setPermission']>[1])
  }
  const person = (login = Object.keys(each.people)[0] ?? 'alice'): WorldUser => world.github.addUser(login)
  const open = (given: Case['issue']): WorldIssue =>
    repository.createIssue({
      title: given?.title ?? 'The price of bread is wrong',
      body: given?.body ?? 'A loaf costs 250 cents, and the shop asks for 25.',
      author: person(given?.author),
      labels: given?.labels ?? [],
    })
  const issue = open(each.issue)
  for (const other of each.issues ?? []) open(other)
  const pull = each.pull_request ? await openPull(repository, each.pull_request, person) : null
  repository.archived = archived
  const ofHost = (each.outages ?? []).filter(({ on }) => on !== 'claude')
  const faults = ofHost.map((outage) => ({ outage, rules: faultsOf(outage, repository.fullName) }))
  world.github.faults.push(...faults.flatMap(({ rules }) => rules))
  const unmet = () => faults.filter(({ outage, rules }) => rules.at(-1)?.times === (outage.times ?? 1))
  return { repository, issue, pull, person, unmet: () => unmet().map(({ outage }) => outage) }
}

const settingsText = (checks: Record<string, string>): string =>
  JSON.stringify({ checks: Object.entries(checks).map(([name, command]) => ({ name, command })) })

const openPull = async (
  repository: WorldRepository,
  given: NonNullable<Case['pull_request']>,
  person: Scene['person'],
): Promise<WorldPull> => {
  const { title = 'Mend the price', body = '', branch = 'mend-the-price', base = 'main' } = given
  const isThere = await repository.git('branch', '--list', branch)
  if (isThere.trim() === '') await repository.git('branch', branch, base)
  await repository.commit(branch, given.files ?? { 'prices.txt': 'bread 250\n' }, title)
  const { draft = false, labels = [] } = given
  return repository.openPull({ title, body, head: branch, base, draft, labels, author: person(given.author) })
}

/** Claude's are the model's own, in `model`: those for any conversation are counted by whoever answers it. */
const faultsOf = (outage: Outage, fullName: string) => {
  const { method, path } = requestOf(outage.request ?? '')
  const before = outage.on === 'git' ? `/${fullName}\\.git` : `/repos/${fullName}`
  const rule = { ...(method && { method }), path: new RegExp(`${before}${path}`) }
  // Passed without a fault: a delay of nothing.
  const passing = { ...rule, times: outage.after ?? 0, fault: { kind: 'delay' as const, ms: 0 } }
  return [...(outage.after ? [passing] : []), { ...rule, times: outage.times ?? 1, fault: faultOf(outage.answer) }]
}

const requestOf = (request: string): { method: string | null; path: string } => {
  const found = /^(?:([A-Z]+)\s*)?\/?(.*)$/.exec(request)
  const path = (found?.[2] ?? '').replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')
  return { method: found?.[1] ?? null, path: path === '' ? '' : `/(?:.*/)?${path}` }
}

const faultOf = (answer: Outage['answer']) => {
  if (answer === 'hang' || answer === 'drop') return { kind: answer }
  return answer === 'lost' ? { kind: 'drop_after' as const } : { kind: 'status' as const, status: answer }
}
