import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import { drawWorkflow } from '../../src/wiring/draw-workflow.ts'
import { loadFrom } from '../../src/wiring/workflow-shelf.ts'

// What they do is played by shipped-workflows.test.ts; here is what they look like.
const folder = join(import.meta.dirname, '../../examples/workflows')
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'))
const { config } = loadConfig({ folder, environment: {} })
const { workflows, problems } = loadFrom({ ...config, workflows: { ...config.workflows, folder } })

describe('the examples', () => {
  it('pass the check, with no warning but that nobody has configured a chat', () => {
    const others = problems.filter(({ message }) => !message.startsWith('No `communication` is configured'))
    expect(others).toEqual([])
    expect(workflows.map(({ definition }) => `${definition.name}.yaml`).sort()).toEqual(files.sort())
  })

  it.each(workflows.map((workflow) => [workflow.definition.name, workflow] as const))(
    '%s is drawn, begins with what it shows, and stands in the index',
    (name, workflow) => {
      expect(drawWorkflow(workflow, 'mermaid')).toContain('flowchart')
      expect(drawWorkflow(workflow, 'text')).toContain(workflow.definition.steps[0]?.name)
      expect(workflow.source).toMatch(/^# yaml-language-server: .*\n#\n# [A-Z`]/)
      expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain(`(${name}.yaml)`)
    },
  )
})
