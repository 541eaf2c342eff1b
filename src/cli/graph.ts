import { dirname, resolve } from 'node:path'
import { processEnvironment } from '../config/environment.ts'
import { loadConfig } from '../config/load-config.ts'
import { JourneymanError } from '../domain/errors.ts'
import { workflowFiles } from '../rehearsal/workflow-files.ts'
import { drawWorkflow, formats, isFormat } from '../wiring/draw-workflow.ts'
import { loadFrom } from '../wiring/workflow-shelf.ts'
import type { ExitCode } from './exit-code.ts'
import { tellable } from './tellable-problem.ts'

/** Draws a workflow that is good, with those that it uses. Of one that is not, what is wrong with it is told. */
export const graph = async (file: string, options: { format?: string }): Promise<ExitCode> => {
  const format = options.format ?? 'text'
  if (!isFormat(format)) {
    throw new JourneymanError('invalid_input', `There is no format "${format}".`, {
      nextAction: `Say ${formats.map((one) => `--format ${one}`).join(' or ')}.`,
    })
  }
  const [asked] = workflowFiles([file]).map((one) => resolve(one))
  if (asked === undefined || resolve(file) !== asked) {
    throw new JourneymanError('invalid_input', `${file} is a folder.`, { nextAction: 'Name one workflow in it.' })
  }
  const { config } = loadConfig({ folder: process.cwd(), environment: processEnvironment() })
  const { workflows, problems } = loadFrom({ ...config, workflows: { ...config.workflows, folder: dirname(asked) } })
  const workflow = workflows.find((one) => resolve(one.file) === asked)
  if (workflow) {
    process.stdout.write(`${drawWorkflow(workflow, format)}\n`)
    return 0
  }
  for (const problem of problems.filter((one) => resolve(one.file) === asked)) {
    process.stderr.write(`${tellable(problem)}\n`)
  }
  return 1
}
