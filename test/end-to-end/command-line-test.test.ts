import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { emptyFolder, journeyman, startJourneyman } from './journeyman.ts'

const workflow = (name: string, steps: string) =>
  `name: ${name}\non: [ { event: issue.labeled, label: ai } ]\nsteps:\n  - ${steps}\n`

const folderWith = async (files: Record<string, string>): Promise<string> => {
  const cwd = await emptyFolder()
  await mkdir(join(cwd, 'workflows'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(cwd, 'workflows', name), text)
  return cwd
}

describe('journeyman test', () => {
  it('shows of a case that failed what was expected, what was, what happened and why; and fails', async () => {
    const cwd = await folderWith({
      'tell.yaml': workflow('tell', '{ name: tell, action: set, inputs: { price: 250 } }'),
      'tell.test.yaml': `tests:
  - { name: right, expect: { variables: { price: 250 } } }
  - { name: wrong, expect: { state: failed, variables: { price: 300 }, steps: { tell: skipped } } }
  - { name: left out, skip: cakes come later }
`,
    })
    const { code, out, err } = await journeyman(['test', 'workflows/tell.yaml', '--json'], { cwd })
    expect(code, err).toBe(1)
    expect(err).toMatch(/✓ right \(/)
    expect(err).toMatch(
      /✗ wrong \([\s\S]*state\n +expected failed\n +but was +done\n[\s\S]*steps\.tell\n +expected skipped\n +but was +done\n +variables\.price\n +expected 300\n +but was +250\n +It ended as done\.\n +What happened:\n +@start +done\n +tell +done/,
    )
    expect(err).toMatch(/1 passed, 1 failed, 1 left out/)
    const printed = JSON.parse(out) as {
      passed: boolean
      rehearsals: { performances: { name: string; passed: boolean }[] }[]
    }
    expect(printed.passed).toBe(false)
    expect(printed.rehearsals[0]?.performances.map(({ name, passed }) => ({ name, passed }))).toEqual([
      { name: 'right', passed: true },
      { name: 'wrong', passed: false },
    ])
  })

  it('runs nothing of what does not pass the check, and says where; the same of a mistake in the tests', async () => {
    const cwd = await folderWith({
      'broken.yaml': workflow('broken', '{ name: tell, action: sett }'),
      'broken.test.yaml': 'tests: [ { name: a } ]\n',
      'good.yaml': workflow('good', '{ name: tell, action: log, inputs: { message: hello } }'),
      'good.test.yaml': 'tests:\n  - name: a\n    expect: { steps: { tel: done } }\n',
    })
    // The configured folder: what is asked for when nothing is.
    await writeFile(join(cwd, 'journeyman.yaml'), 'workflows: { folder: ./workflows }\n')
    const { code, out } = await journeyman(['test'], { cwd })
    expect(code).toBe(3)
    expect(out).toMatch(/✗ workflows\/broken\.yaml:4:\d+ steps\.0: .*Or did you mean the system action `set`\?/)
    expect(out).toMatch(/✗ workflows\/good\.test\.yaml:3:\d+ .*The workflow has no step `tel`\. Did you mean `tell`\?/)
    expect(out).toMatch(/0 passed, 2 not run for mistakes/)
  })

  it('says where tests are to be written where there are none, with an example', async () => {
    const cwd = await folderWith({
      'tell.yaml': workflow('tell', '{ name: tell, action: log, inputs: { message: x } }'),
    })
    const { code, out } = await journeyman(['test', 'workflows/tell.yaml'], { cwd })
    expect(code).toBe(2)
    expect(out).toContain('It has no tests. Write them into workflows/tell.test.yaml; the least is')
    expect(out).toContain('    tests:\n      - name: ')
  })

  it('says of tests that it was ended in nothing but that', async () => {
    const cwd = await folderWith({
      'tell.yaml': workflow('tell', '{ name: tell, action: log, inputs: { message: x } }'),
      'tell.test.yaml': 'tests:\n  - { name: told, expect: { state: done } }\n',
    })
    const started = startJourneyman(['test', 'workflows/tell.yaml'], { cwd })
    await new Promise((resolve) => started.process.stdout?.once('data', resolve))
    started.process.kill('SIGINT')
    const { code, out, err } = await started.ended
    expect({ code, err }).toEqual({ code: 1, err: 'Ended before all tests were played.\n' })
    expect(out).not.toContain('✗')
  })

  it('says so when there is no such file', async () => {
    const { code, out, err } = await journeyman(['test', 'nowhere.yaml'], { cwd: await emptyFolder() })
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^There is no file nowhere\.yaml\.\n/)
  })
})
