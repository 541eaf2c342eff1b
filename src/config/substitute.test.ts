import { describe, expect, it } from 'vitest'
import { fc } from '../../test/at-random.ts'
import { substitute } from './substitute.ts'
import { variablesOf } from './variables.ts'

const finding = (environment: NodeJS.ProcessEnv) => variablesOf(environment, '', '/')
const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,12}$/).filter((text) => !text.endsWith('_FILE'))
const plain = fc.string().filter((text) => !text.includes('${'))
const value = fc.oneof(fc.string(), fc.constantFrom('${A}', '$${', '}', '${', '__proto__'))

describe('substitute', () => {
  it.each([
    ['a-${X}-b', 'a-1-b'],
    ['${X}${X}', '11'],
    ['${NONE:-}', ''],
    ['${EMPTY:-full}', 'full'],
    ['${EMPTY}', ''],
    ['${NONE:-a:-b}', 'a:-b'],
    ['${X:-other}', '1'],
    ['$${X}', '${X}'],
    ['$X and $', '$X and $'],
  ])('makes %s into %s', (text, expected) => {
    expect(substitute(text, finding({ X: '1', EMPTY: '' }))).toMatchObject({ text: expected, problems: [] })
  })

  it.each(['${', '${}', '${1X}', '${X', '${X-1}', '${X:-${Y}}', '${ X }'])('refuses %s', (text) => {
    expect(substitute(text, finding({ X: '1' })).problems[0]).toContain('neither')
  })

  it.each(['constructor', '__proto__', 'toString'])('knows no variable called %s that nobody set', (word) => {
    expect(substitute(`\${${word}}`, finding({})).problems).toHaveLength(1)
  })

  it('puts in exactly the value, whatever it is, and never looks at it again', () => {
    fc.assert(
      fc.property(name, value, plain, plain, (variable, content, before, after) => {
        fc.pre(!before.endsWith('$'))
        const { text, problems } = substitute(`${before}\${${variable}}${after}`, finding({ [variable]: content }))
        expect({ text, problems }).toEqual({ text: before + content + after, problems: [] })
      }),
    )
  })

  it('takes the default exactly when there is no value', () => {
    const fallback = fc.string().filter((text) => !/[{}]/.test(text))
    fc.assert(
      fc.property(name, fallback, fc.option(value, { nil: undefined }), (variable, standard, content) => {
        const environment = content === undefined ? {} : { [variable]: content }
        const expected = content === undefined || content === '' ? standard : content
        expect(substitute(`\${${variable}:-${standard}}`, finding(environment)).text).toBe(expected)
      }),
    )
  })

  it('leaves text without a substitution alone, and is undone by escaping', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/\$\$\{|\$$/.test(text))
        expect(
          substitute(
            text.replaceAll('${', () => '$${'),
            finding({}),
          ).text,
        ).toBe(text)
      }),
    )
  })

  it('names each missing variable and never throws', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom('${', '}', '$', ':-', 'A', '${A}', '${B:-'), fc.string())),
        (parts) => {
          const { used, problems } = substitute(parts.join(''), finding({}))
          expect(problems.length).toBeGreaterThanOrEqual(used.includes('A') && parts.includes('${A}') ? 1 : 0)
        },
      ),
    )
  })

  it('is quick on a text made to be slow', () => {
    const text = '${A:-'.repeat(20_000)
    expect(substitute(text, finding({})).problems).toHaveLength(20_000)
  })
})
