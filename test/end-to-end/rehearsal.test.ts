import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findPlays } from '../../src/rehearsal/find-plays.ts'
import { openStage, type Stage } from '../../src/rehearsal/open-stage.ts'
import { type Rehearsal, rehearse } from '../../src/rehearsal/rehearse.ts'

const silent = { began: () => undefined, performed: () => undefined }
let stage: Stage
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journeyman-rehearsal-'))
  await chmod(folder, 0o755)
  stage = await openStage()
}, 120_000)
afterAll(async () => {
  await stage?.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
})

const played = async (name: string, workflow: string, tests: string): Promise<Rehearsal> => {
  await writeFile(
    join(folder, `${name}.yaml`),
    `name: ${name}\non: [ { event: issue.labeled, label: ai } ]\n${workflow}`,
  )
  await writeFile(join(folder, `${name}.test.yaml`), tests)
  const [play] = findPlays([join(folder, `${name}.yaml`)])
  if (!play) throw new Error('There is nothing to play.')
  return rehearse(async () => stage, play, silent)
}

const keysOf = (rehearsal: Rehearsal) =>
  rehearsal.performances.map((one) => [
    one.name,
    one.problem?.message.split('.')[0] ?? one.differences.map(({ key }) => key).join(' '),
  ])

describe('a case that waits', () => {
  it('takes no time for it, and is given what comes when it waits for it', async () => {
    const rehearsal = await played(
      'patience',
      `steps:
  - { name: sleep, type: wait, seconds: 600 }
  - { name: clone, plugin: version_control, action: clone_repository }
  - { name: write, type: ai_action, prompt: "Mend it", outputs: { implementation: work } }
  - name: propose
    plugin: version_control
    action: create_pull_request
    inputs: { source_branch: "patience/\${task_id}", target_branch: main, title: "\${work.pr_title}", description: x }
  - { name: ci, type: wait, event: checks.completed, timeout: 3600, outputs: { event: checks } }
  - { name: flaky, type: run, command: "test \${checks.conclusion} = failure", on_error: retry, retry: { count: 2, initial_seconds: 50, jitter: none } }
`,
      `tests:
  - name: comes
    later: [ { event: checks.completed, conclusion: failure } ]
    expect: { state: done, waited: 600, variables: { checks: { name: checks.completed, conclusion: failure } } }
  - name: of another commit
    later:
      - { event: checks.completed, conclusion: failure, head_sha: "0000000000000000000000000000000000000000" }
      - { event: checks.completed, conclusion: success }
    expect: { failure: command_failed, waited: 710, steps: { flaky: { state: failed, attempts: 3 } } }
  - name: never comes
    expect: { failure: timeout, waited: 4200, steps: { flaky: absent } }
`,
    )
    expect(rehearsal.problems).toEqual([])
    expect(keysOf(rehearsal)).toEqual([
      ['comes', ''],
      ['of another commit', ''],
      ['never comes', ''],
    ])
  })
})

describe('the model of a case', () => {
  it('speaks as the step that asks, and each conversation of it as it was written down', async () => {
    const rehearsal = await played(
      'voices',
      `steps:
  - { name: clone, plugin: version_control, action: clone_repository }
  - name: each
    type: loop
    for_each: [ bread, cake ]
    max_iterations: 2
    steps:
      - { name: bake, type: ai_action, prompt: "Bake \${item}", outputs: { summary: baked } }
  - { name: taste, type: ai_action, prompt: "Taste it", outputs: { summary: taste } }
  - { name: look, type: run, command: "cat bread.txt cake.txt" }
`,
      `tests:
  - name: each its own
    model:
      bake:
        - [ { write: { bread.txt: "brown\\n" } }, { submit: { summary: bread is baked } } ]
        - [ { write: { cake.txt: "sweet\\n" } }, { submit: { summary: cake is baked } } ]
      taste: [ { run: cat cake.txt }, { submit: { summary: it is good } } ]
    expect:
      variables: { baked: cake is baked, taste: it is good }
      steps: { "each[0]/bake": { result: { summary: bread is baked } }, look: done }
`,
    )
    expect(keysOf(rehearsal)).toEqual([['each its own', '']])
  })
})

describe('a case that cannot pass', () => {
  it('fails, and says of each key what was', async () => {
    const rehearsal = await played(
      'wrong',
      'steps:\n  - { name: note, action: set, inputs: { price: 250 } }\n',
      `tests:
  - { name: everything, expect: { state: failed, failure: timeout, steps: { note: skipped }, exactly: true, variables: { price: 251 }, effects: { push: 1 }, pull_request: { title: x }, issue: { title: Cake, labels: [cake] }, comments: [cake], branches: [cake], cost: 1, waited: 50 } }
  - { name: not alone, expect: { steps: {}, exactly: true } }
  - { name: nobody asks, later: [ { comment: /ai stop, when: note } ] }
  - { name: no agent, later: [ { comment: /ai stop, during: note } ] }
  - { name: all is well, outages: [ { on: github, request: POST puls, answer: 502 }, { on: claude, answer: 529 } ] }
`,
    )
    expect(keysOf(rehearsal)).toEqual([
      [
        'everything',
        'state failure steps.note variables.price effects.push pull_request issue.title issue.labels comments branches cost waited',
      ],
      ['not alone', 'steps.note'],
      ['nobody asks', expect.stringMatching(/^later: /)],
      ['no agent', expect.stringMatching(/^later: /)],
      ['all is well', expect.stringMatching(/^outages: .* outages: /)],
    ])
  })
})
