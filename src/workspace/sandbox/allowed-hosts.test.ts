import { describe, expect, test } from 'vitest'
import { codeOf } from '../../domain/errors.ts'
import { allowedHosts } from './allowed-hosts.ts'
import { isPublicAddress } from './public-address.ts'

describe('a host rule', () => {
  const isAllowed = allowedHosts(['registry.npmjs.org', '*.Example.com'])

  test.each(['registry.npmjs.org', 'a.example.com', 'a.b.example.com'])('lets %s pass', (host) => {
    expect(isAllowed(host)).toBe(true)
  })

  test.each([
    'npmjs.org',
    'evil-registry.npmjs.org',
    'registry.npmjs.org.evil.net',
    'registry.npmjs.org.',
    'example.com',
    'evilexample.com',
    '.example.com',
    'a..example.com',
    'a.example.com:80',
    'user@a.example.com',
    'REGISTRY.NPMJS.ORG',
    '',
  ])('refuses %j', (host) => {
    expect(isAllowed(host)).toBe(false)
  })

  test.each(['127.0.0.1', '*.com', '*', 'localhost', '[::1]', '0x7f.1', 'host:443', 'https://example.com', '*.*.com'])(
    'cannot be made from %s',
    (domain) => {
      let code = ''
      try {
        allowedHosts([domain])
      } catch (error) {
        code = codeOf(error)
      }
      expect(code).toBe('invalid_configuration')
    },
  )
})

describe('an address', () => {
  test.each(['93.184.215.14', '1.1.1.1', '2606:4700:4700::1111'])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '64:ff9b::7f00:1',
    'fe80::1',
    'fd00::1',
    '2002:7f00:1::',
    'not an address',
  ])('%s is not', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })
})
