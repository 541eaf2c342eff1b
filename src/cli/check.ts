import { dirname, resolve } from 'node:path'
import { processEnvironment } from '../config/environment.ts'
import { loadConfig } from '../config/load-config.ts'
import { loadFrom, sentence } from '../wiring/workflow-shelf.ts'
import type { ExitCode } from './exit-code.ts'

/** Checks the configured workflows, or those files with their folders, without running anything. */
export const check = async (files: string[]): Promise<ExitCode> => {
  const { config } = loadConfig({ folder: process.cwd(), environment: processEnvironment() })
  const asked = files.map((file) => resolve(file))
  const folders = asked.length === 0 ? [config.workflows.folder] : [...new Set(asked.map((file) => dirname(file)))]
  const results = folders.map((folder) => loadFrom({ ...config, workflows: { ...config.workflows, folder } }))
  const isAsked = (file: string) => asked.length === 0 || asked.includes(resolve(file))
  const problems = results.flatMap((result) => result.problems).filter((problem) => isAsked(problem.file))
  const good = results.flatMap((result) => result.workflows).filter((workflow) => isAsked(workflow.file))
  for (const problem of problems) process.stdout.write(`${problem.severity}: ${sentence(problem)}\n`)
  for (const workflow of good) process.stdout.write(`${workflow.definition.name} is good (${workflow.file})\n`)
  if (problems.length === 0 && good.length === 0) process.stdout.write('There is no workflow there.\n')
  return problems.some((problem) => problem.severity === 'error') || good.length === 0 ? 1 : 0
}
