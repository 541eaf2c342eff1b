import { type Dirent, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { JourneymanError } from '../domain/errors.ts'

const ending = /\.ya?ml$/
const fixtureEnding = /\.test\.ya?ml$/

/**
 * The files of workflows that paths mean: a file is itself, a folder all that lie in it. Throws `invalid_input` for what
 * is not there or holds none: a path that was mistyped must not pass for one that is good.
 */
export const workflowFiles = (paths: readonly string[]): string[] => paths.flatMap(filesAt)

const filesAt = (path: string): string[] => {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) throw wrong(`There is no file ${path}.`)
  if (found.isDirectory()) return filesIn(path)
  if (fixtureEnding.test(path)) {
    const workflow = path.replace(fixtureEnding, '.yaml')
    throw wrong(`${path} holds tests, and no workflow.`, `Say "journeyman test ${workflow}" to play them.`)
  }
  if (ending.test(path)) return [path]
  throw wrong(`${path} is no workflow: its name does not end in .yaml or .yml.`)
}

const filesIn = (folder: string): string[] => {
  const files = entriesOf(folder)
    .filter(({ name }) => ending.test(name) && !fixtureEnding.test(name))
    .map(({ name }) => join(folder, name))
  if (files.length > 0) return files.sort()
  throw wrong(`There is no workflow in the folder ${folder}.`)
}

const entriesOf = (folder: string): Dirent[] => {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (cause) {
    throw new JourneymanError('invalid_input', `The folder ${folder} cannot be read.`, { cause })
  }
}

const wrong = (sentence: string, nextAction = 'Name a file that ends in .yaml or .yml, or a folder of them.') =>
  new JourneymanError('invalid_input', sentence, { nextAction })
