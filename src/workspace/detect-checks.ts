import type { BaseFiles } from './base-files.ts'

export type DetectedCheck = {
  name: string
  command: string
  /** What in the repository made us think so. */
  why: string
}

/** What is looked at. */
export const checkSources = [
  'package.json',
  'pnpm-lock.yaml',
  'yarn.lock',
  'Cargo.toml',
  'go.mod',
  'pytest.ini',
  'conftest.py',
  'pyproject.toml',
  'tox.ini',
  'setup.cfg',
  'Makefile',
] as const

/**
 * The commands by which this repository is probably checked, read from its own files and never invented: a script that is
 * not there is not run.
 */
export const detectChecks = (files: BaseFiles): DetectedCheck[] => {
  const found = [
    ...packageScripts(files),
    ...(files.has('Cargo.toml') ? [{ name: 'test', command: 'cargo test', why: 'Cargo.toml' }] : []),
    ...(files.has('go.mod') ? [{ name: 'test', command: 'go test ./...', why: 'go.mod' }] : []),
    ...python(files),
  ]
  // A Makefile usually calls one of these; it is asked when nothing else speaks.
  return found.length > 0 ? found : makeTargets(files)
}

const scriptNames = ['test', 'lint', 'typecheck']
const npmPlaceholder = 'no test specified'

const packageScripts = (files: BaseFiles): DetectedCheck[] => {
  const text = files.read('package.json')
  if (text === null) return []
  const scripts = scriptsOf(text)
  const manager = files.has('pnpm-lock.yaml') ? 'pnpm' : files.has('yarn.lock') ? 'yarn' : 'npm'
  return scriptNames.flatMap((name) => {
    const script = scripts[name]
    if (typeof script !== 'string' || script.trim() === '' || script.includes(npmPlaceholder)) return []
    return [{ name, command: `${manager} run ${name}`, why: `the script "${name}" in package.json` }]
  })
}

const scriptsOf = (text: string): Record<string, unknown> => {
  try {
    const parsed = JSON.parse(text) as { scripts?: Record<string, unknown> } | null
    return typeof parsed?.scripts === 'object' && parsed.scripts !== null ? parsed.scripts : {}
  } catch {
    return {}
  }
}

const python = (files: BaseFiles): DetectedCheck[] => {
  const why = ['pytest.ini', 'conftest.py'].find((name) => files.has(name)) ?? namesPytest(files)
  return why === undefined ? [] : [{ name: 'test', command: 'python3 -m pytest -q', why }]
}

const namesPytest = (files: BaseFiles): string | undefined => {
  const signs: [string, RegExp][] = [
    ['pyproject.toml', /\bpytest\b/],
    ['tox.ini', /^\[pytest\]|\bpytest\b/m],
    ['setup.cfg', /^\[tool:pytest\]/m],
  ]
  return signs.find(([name, sign]) => sign.test(files.read(name) ?? ''))?.[0]
}

const makeTargets = (files: BaseFiles): DetectedCheck[] => {
  const text = files.read('Makefile') ?? ''
  return ['test', 'lint']
    .filter((target) => new RegExp(`^${target}\\s*:(?!=)`, 'm').test(text))
    .map((target) => ({ name: target, command: `make ${target}`, why: `the target "${target}" in Makefile` }))
}
