import { dirname, resolve } from 'node:path'
import { processEnvironment } from '../config/environment.ts'
import { loadConfig } from '../config/load-config.ts'
import { JourneymanError } from '../domain/errors.ts'
import { drawWorkflow, formats, isFormat } from '../wiring/draw-workflow.ts'
import { loadFrom, sentence } from '../wiring/workflow-shelf.ts'
import type { ExitCode } from './exit-code.ts'

/** Draws a workflow that is good, with those that it uses. Of one that is not, what is wrong with it is told. */
export const graph = async (file: string, options: { format?: string }): Promise<ExitCode> => {
  const format = options.format ?? 'text'
  if (!isFormat(format)) {
    throw new JourneymanError('invalid_input', `There is no format "${format}".`, {
      nextAction: `Say ${formats.map((one) => `--format ${one}`).join(' or ')}.`,
    })
  }
  const { config } = loadConfig({ folder: process.cwd(), environment: processEnvironment() })
  const asked = resolve(file)
  const { workflows, problems } = loadFrom({ ...config, workflows: { ...config.workflows, folder: dirname(asked) } })
  const workflow = workflows.find((one) => resolve(one.file) === asked)
  if (workflow) {
    process.stdout.write(`${drawWorkflow(workflow, format)}\n`)
    return 0
  }
  const own = problems.filter((problem) => resolve(problem.file) === asked)
  for (const problem of own) process.stderr.write(`${problem.severity}: ${sentence(problem)}\n`)
  if (own.length > 0) return 1
  throw new JourneymanError('not_found', `There is no workflow ${file}.`, {
    nextAction: 'Name a file that ends in .yaml or .yml.',
  })
}
