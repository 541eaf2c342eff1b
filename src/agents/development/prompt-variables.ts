import type { CheckResult } from '../../domain/agent.ts'
import type { Task } from '../../domain/task.ts'
import type { RepositorySettings } from '../../workspace/contract.ts'
import { revealHidden } from '../hidden-characters.ts'
import { shortenMiddle } from '../shorten-middle.ts'
import { normaliseLine, type Origin, quoteUntrusted } from '../untrusted-text.ts'

export type DevelopmentFacts = {
  task: Task
  /** Who wrote the ticket, with that person's live permission. */
  author: { login: string; permission: string }
  repository: { name: string; language?: string }
  settings: Pick<RepositorySettings, 'checks' | 'instructions'>
  branch: string
  /** What the checks gave before any change. */
  baseline: CheckResult[]
}

const maxOutputCharacters = 2000

/**
 * What `development.njk` is rendered with: every text that someone else wrote is normalised and, unless it is one plain
 * line, quoted with its origin. `task.quoted` is the whole ticket in one quotation.
 */
export const developmentVariables = (facts: DevelopmentFacts): Record<string, unknown> => {
  const { task, repository, settings, baseline } = facts
  const ticket = `ticket ${task.key} of ${repository.name}`
  const origin: Origin = { origin: ticket, author: facts.author.login, permission: facts.author.permission }
  const criteria = task.acceptance_criteria.map(normaliseLine)
  return {
    task: {
      key: normaliseLine(task.key),
      url: normaliseLine(task.url),
      title: normaliseLine(task.title),
      description: quoteUntrusted(task.description, origin),
      acceptance_criteria: criteria,
      quoted: quoteUntrusted(ticketText(task, criteria), origin),
    },
    repository: { name: normaliseLine(repository.name), language: repository.language ?? '' },
    instructions: settings.instructions ? quoteInstructions(settings.instructions, repository.name) : '',
    settings: {
      checks: settings.checks.map(({ name, command }) => ({ name: oneLine(name), command: oneLine(command) })),
    },
    branch: normaliseLine(facts.branch),
    baseline: baseline.map((result) => ({ ...result, name: oneLine(result.name), outputTail: quoteOutput(result) })),
  }
}

const ticketText = (task: Task, criteria: string[]): string =>
  [
    `Title: ${normaliseLine(task.title)}`,
    task.description,
    ...(criteria.length > 0
      ? [`Acceptance criteria:\n${criteria.map((criterion) => `- ${criterion}`).join('\n')}`]
      : []),
  ].join('\n\n')

/** These are from the base branch, where only people with write access put them. */
const quoteInstructions = (instructions: string, repository: string): string =>
  quoteUntrusted(instructions, { origin: `base branch of ${repository}`, author: 'maintainers', permission: 'write' })

const oneLine = (text: string): string => revealHidden(text).replace(/[\r\n]+/g, ' ')

const quoteOutput = (result: CheckResult): string => {
  if (result.outputTail.trim() === '') return ''
  const tail = shortenMiddle(revealHidden(result.outputTail), maxOutputCharacters, 'Run the check to see all of it.')
  return quoteUntrusted(tail, { origin: `output of ${result.name}`, author: 'a command', permission: 'none' })
}
