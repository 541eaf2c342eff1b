import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * `npm run check` does what CI does before the tests: format and lint, types, the rules of the house.
 * `npm run check <path>` does it for that file or folder, with the tests beside it.
 */
type Check = { name: string; program: string; args: string[]; keep: (line: string) => boolean }
type Outcome = { name: string; passed: boolean; seconds: number; output: string }

const root = fileURLToPath(new URL('..', import.meta.url))
const programs = {
  biome: 'node_modules/@biomejs/biome/bin/biome',
  tsc: 'node_modules/typescript/bin/tsc',
  vitest: 'node_modules/vitest/vitest.mjs',
}
const all = (): boolean => true

const checksOfAll = (): Check[] => [
  { name: 'format and lint', program: programs.biome, args: ['ci', '--colors=off', '.'], keep: all },
  { name: 'types', program: programs.tsc, args: ['-p', '.'], keep: all },
  {
    name: 'rules of the house',
    program: programs.vitest,
    args: ['run', '--reporter=dot', 'test/tidy.test.ts'],
    keep: all,
  },
]

/** Types depend on the whole; what is told of them is what lies under the path. */
const checksOf = (path: string): Check[] => {
  const tests = path.replace(/(\.test)?\.ts$/, '')
  return [
    { name: `format and lint of ${path}`, program: programs.biome, args: ['ci', '--colors=off', path], keep: all },
    { name: `types in ${path}`, program: programs.tsc, args: ['-p', '.'], keep: (line) => line.startsWith(path) },
    {
      name: `tests of ${path}`,
      program: programs.vitest,
      args: ['run', '--reporter=dot', tests, '--passWithNoTests'],
      keep: all,
    },
    {
      name: 'rules of the house',
      program: programs.vitest,
      args: ['run', '--reporter=dot', 'test/tidy.test.ts'],
      keep: all,
    },
  ]
}

const run = (check: Check): Promise<Outcome> =>
  new Promise((done) => {
    const started = performance.now()
    const child = spawn(process.execPath, [check.program, ...check.args], { cwd: root })
    const chunks: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', (error) => chunks.push(Buffer.from(String(error))))
    child.on('close', (code) => {
      const lines = Buffer.concat(chunks).toString().split('\n')
      const kept = lines.filter(check.keep).join('\n').trim()
      const passed = code === 0 || (check.keep !== all && kept === '')
      done({ name: check.name, passed, seconds: (performance.now() - started) / 1000, output: kept })
    })
  })

const tell = (outcome: Outcome): void => {
  console.log(`${outcome.passed ? 'ok    ' : 'FAILED'}  ${outcome.name}  (${outcome.seconds.toFixed(1)} s)`)
  if (!outcome.passed) console.log(`\n${outcome.output}\n`)
}

const main = async (given: string | undefined): Promise<number> => {
  const path = given === undefined ? undefined : relative(root, resolve(given)).replace(/\/+$/, '')
  if (path !== undefined && (path.startsWith('..') || !existsSync(resolve(root, path)))) {
    console.error(`There is no ${given} in this repository. Say: npm run check, or npm run check src/config`)
    return 2
  }
  const outcomes: Outcome[] = []
  // One after the other: each of them uses every processor there is.
  for (const check of path ? checksOf(path) : checksOfAll()) {
    const outcome = await run(check)
    tell(outcome)
    outcomes.push(outcome)
  }
  return outcomes.every((outcome) => outcome.passed) ? 0 : 1
}

process.exitCode = await main(process.argv[2])
