import { describe, expect, it } from 'vitest'
import { branch, iteration, parseAddress, within } from './address.ts'

describe('an address', () => {
  it.each([
    ['get_task', [{ name: 'get_task', index: null, branch: null }]],
    [
      'choose:then/fix',
      [
        { name: 'choose', index: null, branch: 'then' },
        { name: 'fix', index: null, branch: null },
      ],
    ],
    [
      'fan_out/each_task[3]/generate_code',
      [
        { name: 'fan_out', index: null, branch: null },
        { name: 'each_task', index: 3, branch: null },
        { name: 'generate_code', index: null, branch: null },
      ],
    ],
    [
      '@rollback/each[0]/create_branch',
      [
        { name: '@rollback', index: null, branch: null },
        { name: 'each', index: 0, branch: null },
        { name: 'create_branch', index: null, branch: null },
      ],
    ],
  ])('is read as what it is made of: %s', (address, segments) => {
    expect(parseAddress(address)).toEqual(segments)
  })

  it('is read back as it was put together', () => {
    const address = within(branch(within(iteration('each', 12), 'choose'), 'else'), 'fix')
    expect(parseAddress(address)?.map((segment) => segment.index ?? segment.branch ?? segment.name)).toEqual([
      12,
      'else',
      'fix',
    ])
  })

  it.each([
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    'A',
    '1a',
    'a[-1]',
    'a[01]',
    'a[1',
    'a[x]',
    'a[1][2]',
    'a:maybe',
    'a:then[1]',
    'a b',
    '@',
    '__proto__',
    `${'a/'.repeat(3_000)}a`,
  ])('is none: %j', (text) => {
    expect(parseAddress(text)).toBeNull()
  })
})
