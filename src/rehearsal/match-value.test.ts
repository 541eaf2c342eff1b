import { describe, expect, it } from 'vitest'
import { differencesOf, isLike, occursIn } from './match-value.ts'

describe('a text that is expected', () => {
  it.each([
    ['hotfix/1-*', 'hotfix/1-bread', true],
    ['*bread', 'hotfix/1-bread', true],
    ['a*b*c', 'a-c-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['ab*ba', 'aba', false],
    ['*', '', true],
    ['plain', 'plainly', false],
    ['5 \\* 5', '5 * 5', true],
    ['5 \\* 5', '5 and 5', false],
  ])('%j and %j: %s', (pattern, text, holds) => {
    expect(isLike(pattern, text)).toBe(holds)
  })

  it('only has to occur where texts are long', () => {
    expect(occursIn('the price', 'So the price is wrong.')).toBe(true)
    expect(occursIn('the * wrong', 'So the price is wrong.')).toBe(true)
    expect(occursIn('the cake', 'So the price is wrong.')).toBe(false)
  })
})

describe('a value that is expected', () => {
  it('names what must be in an object, and tells each key that is not as it should be', () => {
    const actual = { number: 2, labels: ['a', 'b'], inner: { url: 'https://x/pull/2', more: true } }
    expect(differencesOf('pr', { number: 2, inner: { url: '*/pull/2' } }, actual)).toEqual([])
    expect(differencesOf('pr', { number: 3, inner: { url: '*/pull/3' } }, actual)).toEqual([
      { key: 'pr.number', expected: 3, actual: 2 },
      { key: 'pr.inner.url', expected: '*/pull/3', actual: 'https://x/pull/2' },
    ])
  })

  it('is a list of as many, in their order', () => {
    expect(differencesOf('list', ['a', '*'], ['a', 'b'])).toEqual([])
    expect(differencesOf('list', ['a'], ['a', 'b'])).toHaveLength(1)
    expect(differencesOf('list', ['b', 'a'], ['a', 'b'])).toHaveLength(2)
  })

  it('tells null from what is there, and takes what is not there for null', () => {
    expect(differencesOf('x', null, undefined)).toEqual([])
    expect(differencesOf('x', null, '')).toHaveLength(1)
    expect(differencesOf('x', false, undefined)).toHaveLength(1)
    expect(differencesOf('x', 1, '1')).toHaveLength(1)
  })
})
