import { dirname, join, resolve } from 'node:path'
import { checkTree } from './check-tree.ts'
import { type ConfigNode, type ConfigProblem, mergeTrees, type Place, placeOf, treeOf } from './config-tree.ts'
import { fillInTree } from './fill-in-tree.ts'
import { installationFolder } from './installation-folder.ts'
import { readConfigFiles, readTextFile } from './read-config-files.ts'
import { reportProblems } from './report-problems.ts'
import { type Config, configSchema } from './schema.ts'
import { wantedAt } from './schema-shape.ts'
import { type FindVariable, variablesOf } from './variables.ts'

export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [Key in keyof T]?: DeepPartial<T[Key]> | undefined }
    : T

export type LoadOptions = {
  /** The working folder: its `journeyman.yaml`, overlay and `.env` are the user's. */
  folder: string
  environment: NodeJS.ProcessEnv
  /** The overlay's name; else JOURNEYMAN_ENV. */
  env?: string
  /** The program's own wishes (the demo's, a test's). They win over every file and are taken literally. */
  overrides?: DeepPartial<Config>
  /** Where the default `journeyman.yaml` lies. */
  installation?: string
}

export type LoadedConfig = {
  config: Config
  /** Every file that counts, the default first, also those that are not there (yet). */
  files: string[]
  /** Where a dotted key was written. */
  placeOf: (key: string) => Place
}

/**
 * Default, user's file, overlay and overrides as one configuration: `data_dir` absolute in the working folder, the folders
 * of `workflows` absolute beside the file that names them. Throws `invalid_configuration` with every mistake in one report.
 */
export const loadConfig = (options: LoadOptions): LoadedConfig => {
  const folder = resolve(options.folder)
  const dotenv = join(folder, '.env')
  const problems: ConfigProblem[] = []
  const find = variablesOf(options.environment, readTextFile(dotenv, problems) ?? '', folder)
  const overlay = options.env ?? textOf(find, 'JOURNEYMAN_ENV')
  const read = readConfigFiles(resolve(options.installation ?? installationFolder()), folder, overlay, problems)
  if (!read.complete) throw reportProblems(problems, folder)

  const overrides = treeOf(options.overrides ?? {}, { file: '(set by the program)', line: 0, column: 0 })
  const tree = [...read.trees, overrides].reduce(mergeTrees)
  const filled = fillInTree(tree, find, (path) => wantedAt(configSchema, path))
  problems.push(...filled.problems)
  const checked = checkTree(filled.tree, filled.used)
  if ('problems' in checked) problems.push(...notYetTold(checked.problems, filled.problems))
  if (problems.length > 0 || 'problems' in checked) throw reportProblems(problems, folder)
  return {
    config: withFolders(checked.config, folder, tree),
    files: [...read.files, dotenv],
    placeOf: (key) => placeOf(tree, key.split('.')),
  }
}

const textOf = (find: FindVariable, name: string): string => {
  const found = find(name)
  return found !== null && 'value' in found ? found.value : ''
}

/** A variable that is missing leaves its value empty, and the schema would say so a second time. */
const notYetTold = (later: ConfigProblem[], earlier: ConfigProblem[]): ConfigProblem[] => {
  const told = new Set(earlier.map((problem) => problem.key))
  return later.filter((problem) => !told.has(problem.key))
}

const withFolders = (config: Config, folder: string, tree: ConfigNode): Config => {
  const besideItsFile = (key: 'folder' | 'prompts'): string => {
    const place = placeOf(tree, ['workflows', key])
    return resolve(place.line === 0 ? folder : dirname(place.file), config.workflows[key])
  }
  return {
    ...config,
    data_dir: resolve(folder, config.data_dir),
    workflows: { folder: besideItsFile('folder'), prompts: besideItsFile('prompts') },
  }
}
