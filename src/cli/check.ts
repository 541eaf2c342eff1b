import { dirname, resolve } from 'node:path'
import { processEnvironment } from '../config/environment.ts'
import { loadConfig } from '../config/load-config.ts'
import { workflowFiles } from '../rehearsal/workflow-files.ts'
import { loadFrom } from '../wiring/workflow-shelf.ts'
import type { ExitCode } from './exit-code.ts'
import { fromHere, tellable } from './tellable-problem.ts'

export type CheckOptions = { json?: boolean }

type Found = ReturnType<typeof loadFrom>

/** Checks the configured workflows, or those files and those of those folders, without running anything. */
export const check = async (paths: string[], { json }: CheckOptions): Promise<ExitCode> => {
  const { config } = loadConfig({ folder: process.cwd(), environment: processEnvironment() })
  const files = workflowFiles(paths.length > 0 ? paths : [config.workflows.folder]).map((file) => resolve(file))
  // A file is checked with its neighbours, which it may use, and only what is said of it is told.
  const folders = [...new Set(files.map((file) => dirname(file)))]
  const all = folders.map((folder) => loadFrom({ ...config, workflows: { ...config.workflows, folder } }))
  const isAsked = ({ file }: { file: string }) => files.includes(resolve(file))
  const problems = all.flatMap((one) => one.problems).filter(isAsked)
  const workflows = all.flatMap((one) => one.workflows).filter(isAsked)
  process.stdout.write(json ? `${JSON.stringify(asData({ workflows, problems }))}\n` : asText({ workflows, problems }))
  return problems.some(isError) ? 1 : 0
}

const isError = ({ severity }: Found['problems'][number]): boolean => severity === 'error'

const asText = ({ workflows, problems }: Found): string => {
  const good = workflows.map(({ definition, file }) => `${definition.name} is good (${fromHere(file)})`)
  return [...problems.map(tellable), ...good].map((line) => `${line}\n`).join('')
}

const asData = ({ workflows, problems }: Found) => ({
  good: !problems.some(isError),
  workflows: workflows.map(({ definition, file, hash }) => ({ name: definition.name, file, hash })),
  problems,
})
