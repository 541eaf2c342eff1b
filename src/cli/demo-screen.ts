import { styleText } from 'node:util'
import { wantsColour } from '../config/environment.ts'
import { formatUsd, microUsd } from '../domain/money.ts'
import type { StepRow } from '../store/steps.ts'
import type { SandboxStatus } from '../workspace/contract.ts'
import type { World, WorldIssue, WorldRepository } from '../world/contract.ts'
import type { DemoResult } from './demo-result.ts'

/** What the demo shows. With `json` all of it goes to standard error, and one object to standard output. */
export type DemoScreen = {
  began: (facts: { world: World; database: string; sandbox: SandboxStatus | null; live: boolean }) => void
  withoutSandbox: (summary: string) => void
  look: (steps: StepRow[], plan: { name: string; description: string }[]) => void
  ended: (result: DemoResult, repository: WorldRepository, issue: WorldIssue) => Promise<void>
  keeping: (url: string | null, place: { dataDir: string; database: string | undefined }) => void
}

export const createDemoScreen = (json: boolean, environment: NodeJS.ProcessEnv): DemoScreen => {
  const stream = json ? process.stderr : process.stdout
  const colour = wantsColour(environment, stream)
  const style = (format: Parameters<typeof styleText>[0], text: string) => (colour ? styleText(format, text) : text)
  const say = (text = '') => void stream.write(`${text}\n`)
  const heading = (text: string) => say(`\n${style('bold', text)}`)
  const seen = new Map<string, string>()
  let runId = 'RUN'

  return {
    began: ({ world, database, sandbox, live }) => {
      say(style('bold', 'Journeyman: from a labelled issue to a pull request'))
      say()
      say(style('dim', `  GitHub   a stand-in at ${world.github.url}, with real git`))
      say(style('dim', `  Claude   ${live ? 'the real model' : `a script at ${world.claude.url}`}`))
      say(style('dim', `  checked  ${world.validation}`))
      say(style('dim', `  database ${database}`))
      say(style('dim', `  sandbox  ${sandbox?.summary ?? 'none'}`))
      say()
      say('alice puts the label "ai" on an issue; its webhook arrives, signed.')
      say()
    },
    withoutSandbox: (summary) => {
      say(style('yellow', `${summary}`))
      say(
        style(
          'yellow',
          'The demo goes on with "sandbox: none": its model is a script, and its repository is its own.\n',
        ),
      )
    },
    look: (steps, plan) => {
      for (const step of steps) {
        const described = plan.find(({ name }) => name === step.address)?.description
        if (described === undefined) continue
        const line = lineOf(step, described)
        if (seen.get(step.address) === line) continue
        seen.set(step.address, line)
        say(step.state === 'running' ? style('dim', line) : line)
      }
    },
    ended: async (result, repository, issue) => {
      runId = result.run.id
      const pull = repository.pulls().find((one) => one.number === result.change?.number)
      if (pull) {
        heading(`Pull request #${pull.number}: ${pull.title}`)
        say(style('dim', `${pull.url}${pull.draft ? ' (draft)' : ''}`))
        say(`\n${pull.body}`)
        heading('Diff')
        say(colourDiff(await repository.git('diff', `${pull.base}...${pull.headSha}`), style))
      }
      heading(`What stands on issue #${issue.number}`)
      for (const comment of repository.comments(issue.number)) say(`${comment.author}:\n${asShown(comment.body)}\n`)
      say(`labels: ${repository.issue(issue.number).labels.join(', ') || 'none'}`)
      heading(result.run.state === 'done' ? 'Done' : `Ended: ${result.run.state}`)
      if (result.failure) say(`${result.failure.code}: ${result.failure.message}`)
      const { input, output, cacheRead, cacheWrite } = result.tokens
      say(
        `cost ${formatUsd(microUsd(result.costUsd))} · ${input + cacheRead + cacheWrite} tokens in (${cacheRead} from the cache), ${output} out`,
      )
      if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
    },
    keeping: (url, { dataDir, database }) => {
      const where =
        database === undefined ? `JOURNEYMAN_DATA_DIR=${dataDir}` : 'DATABASE_URL=…     # what --database says'
      say(`\nEverything stays up until you end it (Ctrl-C). Webhooks arrive at ${url}/webhooks/github.`)
      say('Meanwhile, in another terminal:\n')
      say(`  export ${where}`)
      say('  npx journeyman status')
      say(`  npx journeyman logs ${runId}`)
      say('  npx journeyman run hotfix_workflow --issue 1     # it asks before it opens its pull request')
      say('  npx journeyman approve RUN')
    },
  }
}

const marks = { done: '✓', failed: '✗', skipped: '·', running: '…' }

/** A line for each change of state, and for what a step is at. */
const lineOf = (step: StepRow, described: string): string => {
  const mark = marks[step.state]
  if (step.state === 'running') return `  ${mark} ${described}${step.activity ? `: ${step.activity}` : ''}`
  const seconds = ((step.finishedAt ?? step.startedAt).getTime() - step.startedAt.getTime()) / 1000
  const cost = step.cost > 0 ? ` · ${formatUsd(step.cost)}` : ''
  return `  ${mark} ${described} · ${seconds.toFixed(1)}s${cost}${step.failure ? ` · ${step.failure.message}` : ''}`
}

/** As a page shows it: the marks by which comments are found again are hidden there. */
const asShown = (markdown: string): string => markdown.replace(/\s*<!--[\s\S]*?-->/g, '')

type Style = (format: Parameters<typeof styleText>[0], text: string) => string

const colourDiff = (diff: string, style: Style): string =>
  diff
    .split('\n')
    .map((line) => {
      if (line.startsWith('+') && !line.startsWith('+++')) return style('green', line)
      if (line.startsWith('-') && !line.startsWith('---')) return style('red', line)
      return line.startsWith('@@') ? style('cyan', line) : line
    })
    .join('\n')
