import { JourneymanError } from '../domain/errors.ts'
import type { World, WorldPull } from '../world/contract.ts'
import type { Deed } from './fixture-schema.ts'
import type { Scene } from './set-scene.ts'

export type Delivered = { status: number; body: string; guid: string }

/** Something happens in the world, and the world tells of it as GitHub would: signed, at the door. */
export const doDeed = async (world: World, scene: Scene, deed: Deed): Promise<Delivered | null> => {
  const { repository, issue } = scene
  if (deed.edit) repository.editIssue(issue.number, deed.edit)
  if (deed.push) await repository.commit(deed.push.branch ?? 'main', deed.push.files, 'Work of somebody else')
  const actor = scene.person(deed.by)
  if (deed.comment !== undefined) {
    const number = deed.on === 'pull_request' ? pullOf(scene).number : issue.number
    return repository.comment(number, deed.comment, actor)
  }
  return deed.event === undefined ? null : tell(world, scene, deed, deed.event)
}

type Actor = ReturnType<Scene['person']>

const tell = (world: World, scene: Scene, deed: Deed, event: NonNullable<Deed['event']>): Promise<Delivered> => {
  const { repository, issue } = scene
  const actor = scene.person(deed.by)
  if (event === 'issue.labeled') return repository.label(issue.number, deed.label ?? 'ai', actor)
  if (event === 'change.labeled') return labelPull(world, scene, deed.label ?? 'ai', actor)
  if (event === 'change.merged') return repository.closePull(pullOf(scene).number, actor, { merge: true })
  if (event === 'change.closed') return repository.closePull(pullOf(scene).number, actor)
  if (event === 'change.commented') return repository.comment(pullOf(scene).number, 'What about cakes?', actor)
  const post = (name: string, action: string, more: Record<string, unknown>) =>
    world.github.deliver(name, {
      action,
      repository: { full_name: repository.fullName },
      sender: { login: actor.login },
      ...more,
    })
  if (event === 'issue.opened') return post('issues', 'opened', { issue: { number: issue.number } })
  if (event === 'issue.assigned') {
    const assignee = scene.person(deed.assignee ?? actor.login)
    return post('issues', 'assigned', { issue: { number: issue.number }, assignee: userOf(assignee) })
  }
  if (event === 'change.reviewed') return post('pull_request_review', 'submitted', reviewOf(scene, deed, actor))
  return post('check_suite', 'completed', { check_suite: suiteOf(scene, deed, event) })
}

const userOf = (user: Actor) => ({ login: user.login, id: user.id, type: user.type })

const labelPull = (world: World, scene: Scene, label: string, actor: Actor): Promise<Delivered> => {
  const { repository } = scene
  const { number } = pullOf(scene)
  return repository.label(number, label, actor, { deliver: false }).then(() =>
    world.github.deliver('pull_request', {
      action: 'labeled',
      number,
      repository: { full_name: repository.fullName },
      sender: { login: actor.login },
      pull_request: { number },
      label: { name: label },
    }),
  )
}

const reviewOf = (scene: Scene, deed: Deed, actor: Actor) => {
  const pull = pullOf(scene)
  const review = {
    id: pull.number * 1000 + 1,
    state: deed.state ?? 'approved',
    body: null,
    commit_id: pull.headSha,
    user: userOf(actor),
  }
  return { pull_request: { number: pull.number }, review }
}

/** Other people's checks of the head that the pull request has now. */
const suiteOf = (scene: Scene, deed: Deed, event: string) => {
  const pull = pullOf(scene)
  return {
    id: pull.number * 1000 + 2,
    status: 'completed',
    head_sha: deed.head_sha ?? pull.headSha,
    head_branch: pull.head,
    conclusion: deed.conclusion ?? (event === 'checks.failed' ? 'failure' : 'success'),
    app: { id: 15368 },
    pull_requests: [{ number: pull.number }],
  }
}

/** The newest: the one that the run has opened, or the one that was there. */
const pullOf = (scene: Scene): WorldPull => {
  const pull = scene.repository.pulls().at(-1)
  if (pull) return pull
  throw new JourneymanError('invalid_input', 'There is no pull request yet that this could happen to.', {
    nextAction: 'Say `pull_request:` in the test, or let it happen later.',
  })
}
