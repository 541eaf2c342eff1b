/**
 * Money is counted in whole micro-dollars (a millionth of a US dollar), so that sums are exact. A price of 3 USD per
 * million tokens is then 3 micro-dollars a token. Amounts are rounded up: a ledger may not be short.
 */
export type MicroUsd = number

export type TokenUsage = { input: number; output: number; cacheRead: number; cacheWrite: number }

/** USD per million tokens. */
export type ModelPrice = { input: number; output: number; cacheRead: number; cacheWrite: number }

export const noUsage: TokenUsage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }

export const addUsage = (a: TokenUsage, b: TokenUsage): TokenUsage => ({
  input: a.input + b.input,
  output: a.output + b.output,
  cacheRead: a.cacheRead + b.cacheRead,
  cacheWrite: a.cacheWrite + b.cacheWrite,
})

/** What a call with this usage costs. */
export const costOf = (usage: TokenUsage, price: ModelPrice): MicroUsd =>
  Math.ceil(
    usage.input * price.input +
      usage.output * price.output +
      usage.cacheRead * price.cacheRead +
      usage.cacheWrite * price.cacheWrite -
      1e-6, // 0.3 * 10 is 3.0000000000000004, which is not a fourth micro-dollar
  )

/** The most that a call can cost: nothing read from the cache, everything written to it, all of the output used. */
export const highestCostOf = (inputTokens: number, maxOutputTokens: number, price: ModelPrice): MicroUsd =>
  Math.ceil(inputTokens * Math.max(price.input, price.cacheWrite) + maxOutputTokens * price.output)

export const microUsd = (usd: number): MicroUsd => Math.round(usd * 1_000_000)
export const usd = (amount: MicroUsd): number => amount / 1_000_000

/** `$0.31`; below a cent with as many places as it takes to be seen. */
export const formatUsd = (amount: MicroUsd): string => {
  const value = usd(amount)
  return value !== 0 && Math.abs(value) < 0.01 ? `$${value.toFixed(4)}` : `$${value.toFixed(2)}`
}
