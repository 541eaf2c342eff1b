import { expect, test } from 'vitest'
import { loadPrices, parsePrices, priceOf } from './prices.ts'

const at = new Date('2026-11-20')

test('the shipped list prices the models that are shipped as defaults, and the demo', async () => {
  const prices = await loadPrices()
  for (const model of [
    'claude-sonnet-5-5',
    'claude-sonnet-5',
    'claude-opus-4-5',
    'claude-haiku-4-5',
    'scripted-model',
  ]) {
    const price = priceOf(prices, model, at)
    expect(price.output).toBeGreaterThan(price.input)
    expect(price.cacheRead).toBeLessThan(price.input)
  }
})

test('a dated name is found by the longest name that it begins with', async () => {
  const prices = await loadPrices()
  expect(priceOf(prices, 'claude-sonnet-4-5-20250929', at)).toEqual(priceOf(prices, 'claude-sonnet-4-5', at))
  expect(priceOf(prices, 'claude-opus-4-5-20251101', at)).toEqual(priceOf(prices, 'claude-opus-4-5', at))
})

test('a model that only begins like a known one has no price', async () => {
  const prices = await loadPrices()
  for (const model of ['claude-sonnet-5-9', 'claude-sonnet-5-turbo', 'claude', 'gpt-4', '__proto__', '']) {
    expect(() => priceOf(prices, model, at)).toThrow(
      expect.objectContaining({ code: 'unknown_price', nextAction: expect.stringContaining('prices.yaml') }),
    )
  }
})

test('the newest price that has come into force counts', () => {
  const prices = parsePrices(
    `m:
      - { valid_from: 2026-01-01, input: 3, output: 15, cache_read: 0.3, cache_write: 3.75 }
      - { valid_from: 2026-06-01, input: 2, output: 10, cache_read: 0.2, cache_write: 2.5 }`,
    'prices.yaml',
  )
  expect(priceOf(prices, 'm', new Date('2026-05-31T23:59:59Z')).input).toBe(3)
  expect(priceOf(prices, 'm', new Date('2026-06-01T00:00:00Z')).input).toBe(2)
  expect(() => priceOf(prices, 'm', new Date('2025-12-31'))).toThrow(expect.objectContaining({ code: 'unknown_price' }))
})

test('a mistake in the list says where it is', () => {
  const refused = (text: string) => {
    try {
      parsePrices(text, 'prices.yaml')
    } catch (error) {
      return error as { code: string; message: string }
    }
    throw new Error('it was taken')
  }
  expect(
    refused('m: [{ valid_from: 2026-01-01, input: -1, output: 1, cache_read: 1, cache_write: 1 }]').message,
  ).toContain('m.0.input')
  expect(refused('m: [{ valid_from: soon, input: 1, output: 1, cache_read: 1, cache_write: 1 }]').message).toContain(
    'm.0.valid_from',
  )
  expect(refused('m: [').code).toBe('invalid_configuration')
})
