import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { JourneymanError } from '../domain/errors.ts'

/** A workflow's file and where its tests stand, or should. */
export type Play = { workflow: string; fixture: string; hasFixture: boolean }

/** The workflows of files and folders; a fixture stands for the workflow beside it. Throws `not_found`. */
export const findPlays = (paths: readonly string[]): Play[] => {
  const files = paths.flatMap((path) => (isFolder(path) ? workflowsIn(path) : [workflowOf(path)]))
  return [...new Set(files.map((file) => resolve(file)))].map((workflow) => {
    const fixture = fixtureOf(workflow)
    return { workflow, fixture, hasFixture: existsSync(fixture) }
  })
}

const fixtureEnding = /\.test\.ya?ml$/

const workflowOf = (path: string): string => {
  const workflow = path.replace(fixtureEnding, '.yaml')
  if (existsSync(workflow)) return workflow
  const other = workflow.replace(/\.yaml$/, '.yml')
  if (existsSync(other)) return other
  throw new JourneymanError('not_found', `There is no workflow ${workflow}.`, {
    nextAction: 'Give the file of a workflow, or a folder of them.',
  })
}

const fixtureOf = (workflow: string): string => {
  const stem = workflow.replace(/\.ya?ml$/, '')
  return existsSync(`${stem}.test.yml`) ? `${stem}.test.yml` : `${stem}.test.yaml`
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

const workflowsIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => /\.ya?ml$/.test(name) && !fixtureEnding.test(name))
    .sort()
    .map((name) => join(folder, name))
