import { describe, expect, it } from 'vitest'
import { fc, times } from '../../test/at-random.ts'
import { readYaml } from './read-yaml.ts'

const piece = fc.constantFrom(
  'a',
  'b:',
  ': ',
  '\n',
  '  ',
  '- ',
  '[',
  ']',
  '{',
  '}',
  '"',
  "'",
  '&x ',
  '*x',
  '!!t ',
  '|',
  '#',
  '\t',
  '---',
  '<<: ',
  '? ',
  '%YAML 1.1\n',
)

describe('readYaml', () => {
  it('takes any text without throwing, and gives a tree or problems that lie in the file', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 5 })), { maxLength: 40 }), (parts) => {
        const text = parts.join('')
        const { tree, problems } = readYaml(text, 'f')
        expect(tree === null || problems.length === 0).toBe(true)
        const lines = text.split('\n').length
        expect(problems.filter(({ line, column }) => line < 1 || line > lines || column < 1)).toEqual([])
      }),
      { numRuns: times(500) },
    )
  })

  it('says nothing of what is written in the file', () => {
    const broken = fc.constantFrom(
      'a: "hunter2',
      'a: *hunter2',
      'hunter2: [',
      'a: !hunter2 x',
      '@hunter2',
      'a: hunter2: b',
      '{hunter2',
    )
    fc.assert(
      fc.property(broken, (text) => {
        const { problems } = readYaml(text, 'f')
        expect(problems).not.toEqual([])
        expect(JSON.stringify(problems)).not.toContain('hunter2')
      }),
    )
  })
})
