import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { workflowFiles } from './workflow-files.ts'

/** A workflow's file and where its tests stand, or should. */
export type Play = { workflow: string; fixture: string; hasFixture: boolean }

/** The workflows of files and folders; a fixture stands for the workflow beside it. Throws `invalid_input`. */
export const findPlays = (paths: readonly string[]): Play[] => {
  const files = workflowFiles(paths.map(workflowBeside))
  return [...new Set(files.map((file) => resolve(file)))].map((workflow) => {
    const fixture = fixtureOf(workflow)
    return { workflow, fixture, hasFixture: existsSync(fixture) }
  })
}

const workflowBeside = (path: string): string => {
  const workflow = path.replace(/\.test\.ya?ml$/, '.yaml')
  const other = workflow.replace(/\.yaml$/, '.yml')
  return !existsSync(workflow) && existsSync(other) ? other : workflow
}

const fixtureOf = (workflow: string): string => {
  const stem = workflow.replace(/\.ya?ml$/, '')
  return existsSync(`${stem}.test.yml`) ? `${stem}.test.yml` : `${stem}.test.yaml`
}
