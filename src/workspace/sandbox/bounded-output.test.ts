import { expect, test } from 'vitest'
import { createBoundedOutput } from './bounded-output.ts'

test('short output is kept as it is', () => {
  const output = createBoundedOutput(100)
  output.add(Buffer.from('one\n'))
  output.add(Buffer.from('two\n'))
  expect(output.text()).toBe('one\ntwo\n')
})

test('of long output the beginning and the end are kept, with a line that says how much is missing', () => {
  const output = createBoundedOutput(10)
  for (const letter of 'abcdefghijklmnopqrstuvwxyz') output.add(Buffer.from(letter))
  expect(output.text()).toBe('abcde\n[... 16 bytes left out here ...]\nvwxyz')
  expect(output.totalBytes()).toBe(26)
})

test('one chunk that is larger than everything kept is cut at both ends', () => {
  const output = createBoundedOutput(6)
  output.add(Buffer.from(`abc${'x'.repeat(1000)}xyz`))
  expect(output.text()).toBe('abc\n[... 1000 bytes left out here ...]\nxyz')
})

test('output of exactly the size that is kept is whole', () => {
  const output = createBoundedOutput(8)
  output.add(Buffer.from('1234'))
  output.add(Buffer.from('5678'))
  expect(output.text()).toBe('12345678')
})
