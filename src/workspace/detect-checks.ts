/** A file of the base commit by its path; null when it is absent or not a file. */
export type ReadBaseFile = (path: string) => string | null

export type DetectedCheck = {
  name: string
  command: string
  /** What in the repository made us think so. */
  why: string
}

/**
 * The commands by which this repository is probably checked, read from its own files and never invented: a script that is
 * not there is not run. `names` are the files at the top of the repository.
 */
export const detectChecks = (names: string[], read: ReadBaseFile): DetectedCheck[] => {
  const found = [
    ...packageScripts(names, read),
    ...(names.includes('Cargo.toml') ? [{ name: 'test', command: 'cargo test', why: 'Cargo.toml' }] : []),
    ...(names.includes('go.mod') ? [{ name: 'test', command: 'go test ./...', why: 'go.mod' }] : []),
    ...python(names, read),
  ]
  // A Makefile usually calls one of these; it is asked when nothing else speaks.
  return found.length > 0 ? found : makeTargets(names, read)
}

const scriptNames = ['test', 'lint', 'typecheck']
const npmPlaceholder = 'no test specified'

const packageScripts = (names: string[], read: ReadBaseFile): DetectedCheck[] => {
  const text = read('package.json')
  if (text === null) return []
  const scripts = scriptsOf(text)
  const manager = names.includes('pnpm-lock.yaml') ? 'pnpm' : names.includes('yarn.lock') ? 'yarn' : 'npm'
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

const python = (names: string[], read: ReadBaseFile): DetectedCheck[] => {
  const why = ['pytest.ini', 'conftest.py'].find((name) => names.includes(name)) ?? namesPytest(read)
  return why === undefined ? [] : [{ name: 'test', command: 'python3 -m pytest -q', why }]
}

const namesPytest = (read: ReadBaseFile): string | undefined => {
  const signs: [string, RegExp][] = [
    ['pyproject.toml', /\bpytest\b/],
    ['tox.ini', /^\[pytest\]|\bpytest\b/m],
    ['setup.cfg', /^\[tool:pytest\]/m],
  ]
  return signs.find(([name, sign]) => sign.test(read(name) ?? ''))?.[0]
}

const makeTargets = (names: string[], read: ReadBaseFile): DetectedCheck[] => {
  if (!names.includes('Makefile')) return []
  const text = read('Makefile') ?? ''
  return ['test', 'lint']
    .filter((target) => new RegExp(`^${target}\\s*:(?!=)`, 'm').test(text))
    .map((target) => ({ name: target, command: `make ${target}`, why: `the target "${target}" in Makefile` }))
}
