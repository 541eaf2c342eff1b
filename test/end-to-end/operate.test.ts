import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { RunList } from '../../src/operate/list-runs.ts'
import type { RunView } from '../../src/operate/show-run.ts'
import { findHolder } from '../../src/store/lock-folder.ts'
import { describeOnEachHouse, type House, openHouse, progressComments, until } from './house.ts'
import { emptyFolder, journeyman } from './journeyman.ts'
import { quickFiles } from './kill.ts'

const sleeping = () => ({ tools: [{ name: 'bash', input: { command: 'sleep 300' } }] })

/** Two questions at once, about nothing outside; what it was given has to have arrived as what it is. */
const asking = `
name: ask_twice
description: Asks two things
version: "1.0.0"
on:
  - event: api.requested
inputs:
  times: { type: number, default: 1 }
  plan: { type: object, required: true }
steps:
  - name: both
    description: Ask both
    type: parallel
    steps:
      - { name: first, type: approval, shows: "\${plan}" }
      - { name: second, type: approval, shows: "ship it?" }
success_criteria:
  - condition: "\${times + 1 == 4 and plan.title == 'a plan'}"
    description: "The inputs are what they were"
`

/** The commands, as a person says them in the folder from which the server is started. */
const commandsIn = async (house: House) => {
  const config = join(house.folder, 'journeyman.yaml')
  await mkdir(join(house.folder, 'workflows'))
  await writeFile(join(house.folder, 'workflows', 'ask_twice.yaml'), asking)
  const shipped = join(import.meta.dirname, '../../workflows/standard_dev_workflow.yaml')
  await writeFile(join(house.folder, 'workflows', 'standard_dev_workflow.yaml'), await readFile(shipped))
  const keys = { ...JSON.parse(await readFile(config, 'utf8')), workflows: { folder: 'workflows' } }
  await writeFile(config, JSON.stringify(keys))
  const surroundings = { cwd: house.folder, environment: house.environment }
  const say = (...args: string[]) => journeyman(args, surroundings)
  const viewOf = async (id: string) => JSON.parse((await say('status', id, '--json')).out) as RunView
  return { say, viewOf, where: ['--repository', house.repository.fullName] }
}

const idIn = (text: string): string => /run_\w+/.exec(text)?.[0] ?? 'none'

describeOnEachHouse('the commands beside a server', (open, kind) => {
  // What goes through both ways in the same manner is shown once; the longer one of each pair on the quicker database.
  it.skipIf(kind === 'pglite')('start a run about an issue, show it to its end, and tell what happened', async () => {
    const house = await open({ files: quickFiles })
    const { say, where } = await commandsIn(house)
    await house.spawn()
    // Nobody has to ask the host whether the operator may: there is no such account.
    const ran = await say('run', 'standard_dev_workflow', ...where, '--issue', String(house.issue.number))
    expect(ran.err).toBe('')
    expect(ran.out).toMatch(/^run_\w+ is stored\.\n(.+\n)+✓ open_pull_request done\n(.+\n)+run_\w+ done\n$/)
    expect(ran.code).toBe(0)
    const id = idIn(ran.out)
    await until('the issue says so', async () => progressComments(house).some(({ body }) => body.includes('Done')))
    const commit = house.repository.pulls()[0]?.headSha ?? ''
    const message = await house.repository.git('log', '-1', '--format=%B', commit)
    expect(message).toContain(`Journeyman-Run: ${id}`)
    expect(message).not.toContain('Co-authored-by')

    const list = JSON.parse((await say('status', '--json')).out) as RunList
    expect(list.runs).toMatchObject([{ id, state: 'done', by: expect.stringMatching(/^operator:/) }])
    const one = await say('status', id.slice(0, -3))
    expect(one.out).toMatch(/✓ Write the code · \d+s · \$/)
    expect(one.out).not.toContain('\u001b')
    const told = await say('logs', id, '--follow')
    expect(told.code).toBe(0)
    expect(told.out).toMatch(/write_code agent +turn 1 · \w+/)
    expect(told.out).toMatch(/effect +push · .*\n/)
    expect(told.out).toMatch(/ run +done\n/)
    // The server on the embedded database was spoken to, and was not in the way.
    expect(existsSync(findHolder(house.config().data_dir)?.control ?? '')).toBe(kind === 'pglite')
  })

  it('start a run about nothing, answer what it asks, and are told when they are wrong', async () => {
    const house = await open({ files: quickFiles })
    const { say, viewOf, where } = await commandsIn(house)
    await house.spawn()
    const inputs = ['--input', 'times=3', '--input', 'plan={"title":"a plan"}']
    const started = await say('run', 'ask_twice', ...where, ...inputs, '--detach')
    expect(started).toMatchObject({ code: 0, err: '' })
    const id = idIn(started.out)
    await until('it asks', async () => (await viewOf(id)).approvals.length === 2)
    const shown = await say('status', id)
    expect(shown.out).toContain('both/first waits for approval')
    expect(shown.out).toContain('"title": "a plan"')
    expect(shown.out).toContain(`journeyman approve ${id} --step both/first`)

    expect(await say('approve', id)).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(
        /^Several steps .* wait for approval: both\/(?:first|second), both\/(?:first|second)\.\n.*--step/,
      ),
    })
    const yes = await say('approve', id, 'go', 'on', '--step', 'first')
    expect(yes).toMatchObject({ code: 0, out: expect.stringContaining('Approved: both/first') })
    expect((await say('approve', id, '--step', 'second')).code).toBe(0)
    expect(await say('status', id, '--follow')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/run_\w+ done\n$/),
    })
    expect(await say('approve', id)).toMatchObject({ code: 2, err: expect.stringMatching(/^Nothing in the run/) })
    expect((await say('logs', id)).out).toMatch(/both\/first approval +approved by operator:.*: go on\n/)
    // There was no place where people could have been told.
    expect(progressComments(house)).toEqual([])

    const no = idIn((await say('run', 'ask_twice', ...where, ...inputs, '--detach')).out)
    await until('it asks', async () => (await viewOf(no)).approvals.length === 2)
    expect((await say('reject', no, 'not', 'now', '--step', 'second')).code).toBe(0)
    const failed = await say('status', no, '--follow')
    expect(failed.code).toBe(1)
    expect(failed.out).toMatch(/run_\w+ failed: .*not now/)
  })

  it.skipIf(kind === 'pglite')('say what is wrong with a call', async () => {
    const house = await open({ files: quickFiles })
    const { say } = await commandsIn(house)
    await house.spawn()
    const wrong: [string[], RegExp][] = [
      [['status', 'run_zz'], /^There is no run "run_zz"\.\n.*journeyman status/],
      [['stop', 'nothing'], /^There is no run "nothing"/],
      [['run', 'ask_twise'], /^There is no workflow "ask_twise"\. Did you mean `ask_twice`\?/],
      [['run', 'ask_twice', '--repository', 'acme/shop', '--input', 'plan'], /^--input takes name=value, not "plan"\./],
      [['run', 'ask_twice', '--repository', 'acme/shop'], /^ask_twice needs plan/],
      [['status', '--state', 'lively'], /^"state" has to be one of queued, running, .*, live\.$/m],
      [['status', '--limit', '501'], /^"limit" is at most 500\.$/m],
    ]
    for (const [args, sentence] of wrong) {
      expect(await say(...args)).toMatchObject({ code: 2, out: '', err: expect.stringMatching(sentence) })
    }
    const lost = await say('run', 'standard_dev_workflow', '--repository', house.repository.fullName, '--issue', '99')
    expect(lost).toMatchObject({
      code: 1,
      out: expect.stringContaining(`There is no issue 99 of ${house.repository.fullName},`),
    })
  })

  it.skipIf(kind === 'postgres')('stop a run, also one whose server was killed and comes back', async () => {
    const house = await open({ files: quickFiles, script: sleeping })
    const { say, viewOf, where } = await commandsIn(house)
    const about = ['standard_dev_workflow', ...where, '--issue', String(house.issue.number), '--detach']
    const first = await house.spawn()
    const id = idIn((await say('run', ...about)).out)
    await until('it works', async () => JSON.stringify((await viewOf(id)).steps).includes('sleep 300'))
    expect((await say('run', ...about)).out).toBe(`${id} is at work on this already.\n`)
    first.kill('SIGKILL')
    await first.ended

    // Its socket and its lock are still there, and nobody behind them.
    const shown = await say('status', id)
    expect(shown).toMatchObject({ code: 0, out: expect.stringContaining('▸ Write the code') })
    expect((await say('stop', id)).out).toContain(id)
    if (kind === 'pglite') {
      expect(await say('status', id, '--follow')).toMatchObject({
        code: 3,
        err: expect.stringMatching(/no server is at work on it\.\n.*journeyman serve/),
      })
    }
    await house.spawn()
    const ended = await say('status', id, '--follow')
    expect(ended).toMatchObject({ code: 1, out: expect.stringMatching(/run_\w+ stopped: .*operator:/) })
    expect(await say('stop', id)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/has ended already \(stopped\)/),
    })
  })
})

describe('the commands without a server', () => {
  it('open the embedded database themselves; what is asked for waits for one', async () => {
    const house = await openHouse('pglite', { files: quickFiles })
    const { say, where } = await commandsIn(house)
    expect(await say('status')).toEqual({ code: 0, out: 'No runs.\n', err: '' })
    const wish = ['run', 'ask_twice', ...where, '--input', 'times=3', '--input', 'plan={"title":"a plan"}']
    const started = await say(...wish)
    expect(started).toMatchObject({ code: 3, out: expect.stringMatching(/^run_\w+ is stored\.\n$/) })
    expect(started.err).toMatch(/no server is at work on it\./)
    // Two at once: one waits for the other's lock.
    const both = await Promise.all([say('status', '--json'), say(...wish, '--detach')])
    expect(both.map(({ code, err }) => ({ code, err }))).toEqual([
      { code: 0, err: '' },
      { code: 0, err: '' },
    ])
    const served = await house.spawn()
    await until('both ask', async () => {
      const { runs } = JSON.parse((await say('status', '--json')).out) as RunList
      return runs.filter(({ now }) => now === 'waits for approval').length === 2
    })
    served.kill('SIGTERM')
    expect(await served.ended).toBe(0)
    expect(findHolder(house.config().data_dir)).toBeNull()
  })

  it('say that there is nothing where nothing has run, and make nothing there', async () => {
    const cwd = await emptyFolder()
    for (const args of [['status'], ['logs', 'run_1'], ['run', 'standard_dev_workflow']]) {
      expect(await journeyman(args, { cwd })).toMatchObject({
        code: 3,
        out: '',
        err: expect.stringMatching(/^There is no database in .*\n.*journeyman serve/),
      })
    }
    expect(existsSync(join(cwd, 'data'))).toBe(false)
  })
})
