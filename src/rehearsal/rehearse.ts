import { readFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { loadFrom } from '../wiring/workflow-shelf.ts'
import type { LoadedWorkflow, Problem } from '../workflow/language/definition.ts'
import { usesOfDefinition } from '../workflow/language/used-workflows.ts'
import type { Play } from './find-plays.ts'
import type { Stage } from './open-stage.ts'
import { type Performance, performCase } from './perform-case.ts'
import { readFixture } from './read-fixture.ts'

/** What came of one workflow's tests. `problems`: of the workflow or of its fixture; then nothing was run. */
export type Rehearsal = {
  workflow: string
  file: string
  fixture: string
  problems: Problem[]
  /** There are no tests of it, nor of what uses it. */
  missing: boolean
  /** Workflows whose tests play it, where nothing starts it by itself. */
  within: string[]
  performances: Performance[]
  skipped: { name: string; reason: string | null }[]
}

export type Watcher = { began: (rehearsal: Rehearsal) => void; performed: (performance: Performance) => void }

/** Checks a workflow and its tests, then plays the tests one after the other on a stage that is opened if it is needed. */
export const rehearse = async (openStage: () => Promise<Stage>, play: Play, watcher: Watcher): Promise<Rehearsal> => {
  const folder = dirname(play.workflow)
  const prompts = promptsBeside(folder)
  const loaded = loadFrom({ workflows: { folder, prompts } } as Parameters<typeof loadFrom>[0])
  const workflow = loaded.workflows.find((one) => one.file === play.workflow)
  const broken = loaded.problems.filter((one) => one.file === play.workflow && one.severity === 'error')
  const within = workflow ? usersOf(workflow, loaded.workflows) : []
  const rehearsal: Rehearsal = {
    workflow: workflow?.definition.name ?? relative(folder, play.workflow).replace(/\.ya?ml$/, ''),
    file: play.workflow,
    fixture: play.fixture,
    problems: broken,
    missing: !play.hasFixture && within.length === 0,
    within,
    performances: [],
    skipped: [],
  }
  if (workflow === undefined || broken.length > 0 || !play.hasFixture) {
    watcher.began(rehearsal)
    return rehearsal
  }
  await playAll(openStage, play, workflow, loaded.workflows, rehearsal, watcher)
  return rehearsal
}

const usersOf = ({ definition }: LoadedWorkflow, all: LoadedWorkflow[]): string[] =>
  definition.on.length > 0
    ? []
    : all
        .filter((other) => usesOfDefinition(other.definition).includes(definition.name))
        .map((other) => other.definition.name)

const promptsBeside = (folder: string): string => `${folder}/prompts`

const playAll = async (
  openStage: () => Promise<Stage>,
  play: Play,
  workflow: LoadedWorkflow,
  all: LoadedWorkflow[],
  rehearsal: Rehearsal,
  watcher: Watcher,
): Promise<void> => {
  const { definition } = workflow
  const others = all.map((other) => other.definition)
  const { cases, problems } = readFixture(readFileSync(play.fixture, 'utf8'), play.fixture, definition, others)
  rehearsal.problems.push(...problems)
  watcher.began(rehearsal)
  if (problems.length > 0) return
  const stage = await openStage()
  const chosen = cases.some((each) => each.only) ? cases.filter((each) => each.only) : cases
  for (const each of chosen) {
    if (each.skip !== undefined && each.skip !== false) {
      rehearsal.skipped.push({ name: each.name, reason: each.skip === true ? null : each.skip })
      continue
    }
    const folder = dirname(play.workflow)
    const wishes = each.config ?? {}
    await stage.set({ workflow: definition.name, folder, prompts: promptsBeside(folder), wishes })
    const performance = await performCase(stage, definition, each)
    rehearsal.performances.push(performance)
    watcher.performed(performance)
  }
}
