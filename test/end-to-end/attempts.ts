import type { DeepPartial } from '../../src/config/load-config.ts'
import type { Config } from '../../src/config/schema.ts'
import { isLive, type Run } from '../../src/domain/run.ts'
import { listRuns } from '../../src/store/runs.ts'
import type { ScriptedTurn, WorldComment, WorldPull } from '../../src/world/contract.ts'
import { type House, openHouse, until } from './house.ts'

/** What a steered model tries on one ticket: turns, the last of which hands in. */
export type Attempt = {
  /** The ticket. The name of the attempt is always a part of its text, by which the script knows it. */
  title?: string
  body?: string
  turns: (house: House, request: { firstMessage: string }) => ScriptedTurn[]
}

export type Attempted = {
  run: Run
  /** Everything that people can read of it on the ticket, as it is and as it ever was. */
  comments: WorldComment[]
  pull: WorldPull | undefined
  /** The first message that the model was sent. */
  shown: string
  /** What its tools answered, in order, over all turns. */
  answers: { name: string; content: string; isError: boolean }[]
}

export const bash = (command: string) => ({ name: 'bash', input: { command } })

export const edit = (input: Record<string, unknown>) => ({ name: 'str_replace_based_edit_tool', input })

/** A good hand-in, but for what is given. */
export const submit = (given: Record<string, unknown> = {}) => ({
  name: 'submit',
  input: {
    summary: 'A line was added.',
    title: 'feat: add a line',
    description: 'A line was added, as the ticket asks.',
    commit_message: 'feat: add a line',
    files: [],
    tests: [],
    criteria: [],
    breaking_changes: [],
    not_done: [],
    ...given,
  },
})

/** Changes something harmless, so that there is something to propose. */
export const harmless = bash('mkdir -p docs && echo "A line." > docs/line.md')

const attemptFiles = {
  'README.md': '# Corner shop\n',
  'src/cart.js': 'export const total = (items) => items.length\n',
  'package.json': '{"name":"corner-shop","version":"1.0.0","private":true,"type":"module"}\n',
  '.journeyman.yml': 'checks:\n  - name: tests\n    command: "true"\n',
}

/** One house in which a ticket is labelled for each attempt, all at once; resolves when every run has ended and is told. */
export const attemptAll = async <Name extends string>(
  attempts: Record<Name, Attempt>,
  options: {
    overrides?: DeepPartial<Config>
    /** Once the house stands and before anybody works in it. */
    before?: (house: House) => Promise<void>
  } = {},
): Promise<{ house: House; results: Record<Name, Attempted> }> => {
  const names = Object.keys(attempts) as Name[]
  const seen = new Map<string, Pick<Attempted, 'shown' | 'answers'>>()
  const house = await openHouse('pglite', {
    files: attemptFiles,
    script: (request) => {
      const name =
        names.find((candidate) => request.firstMessage.includes(markOf(candidate))) ?? names[0] ?? ('' as Name)
      const known = seen.get(name) ?? { shown: request.firstMessage, answers: [] }
      seen.set(name, { ...known, answers: [...known.answers, ...request.lastToolResults] })
      const turns = attempts[name].turns(house, request)
      return turns[Math.min(request.turn, turns.length - 1)] ?? {}
    },
  })
  await options.before?.(house)
  await house.start(options.overrides)
  const issues = names.map((name) => {
    const { title = name, body = 'Add a line.' } = attempts[name]
    return house.repository.createIssue({ title, body: `${body}\n\n${markOf(name)}`, author: house.alice })
  })
  await Promise.all(issues.map((issue) => house.repository.label(issue.number, 'ai', house.alice)))
  const runs = await endedRuns(house, names.length)
  const entries = names.map((name, index): [Name, Attempted] => {
    const number = issues[index]?.number ?? 0
    const run = runs.find((candidate) => candidate.subject === `issue/${number}`)
    if (!run) throw new Error(`There is no run for "${name}".`)
    const pull = house.repository.pulls().find((candidate) => candidate.number === run.links.change?.number)
    const { shown = '', answers = [] } = seen.get(name) ?? {}
    return [name, { run, comments: house.repository.comments(number), pull, shown, answers }]
  })
  return { house, results: Object.fromEntries(entries) as Record<Name, Attempted> }
}

const markOf = (name: string): string => `(Attempt: ${name}.)`

const endedRuns = async (house: House, count: number): Promise<Run[]> => {
  let runs: Run[] = []
  await until('every run has ended and is told', () =>
    house.look(async ({ db }) => {
      runs = await listRuns(db, { limit: count })
      if (runs.length < count || runs.some((run) => isLive(run.state))) return false
      const untold = await db
        .selectFrom('workflow_executions')
        .select('id')
        .where((where) => where.or([where('report_dirty', '=', true), where('report_until', 'is not', null)]))
        .execute()
      return untold.length === 0
    }),
  )
  return runs
}
