import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { JourneymanError } from '../domain/errors.ts'
import type { ModelPrice } from '../domain/money.ts'

type DatedPrice = ModelPrice & { validFrom: Date }

/** What every known model costs, newest price first. */
export type Prices = ReadonlyMap<string, readonly DatedPrice[]>

/** The file that ships with the program. */
export const shippedPrices = join(import.meta.dirname, '..', '..', 'prices.yaml')

const usdPerMillion = z.number().nonnegative()

const fileSchema = z.record(
  z.string().min(1),
  z
    .array(
      z.strictObject({
        valid_from: z.iso.date(),
        input: usdPerMillion,
        output: usdPerMillion,
        cache_read: usdPerMillion,
        cache_write: usdPerMillion,
      }),
    )
    .min(1),
)

/** Reads the price list. Throws `invalid_configuration` with the place of the mistake. */
export const loadPrices = async (path = shippedPrices): Promise<Prices> => {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw invalid(`The price list ${path} cannot be read`, cause)
  })
  return parsePrices(text, path)
}

export const parsePrices = (text: string, path: string): Prices => {
  const read = fileSchema.safeParse(parseYaml(text, path))
  if (!read.success) {
    const issue = read.error.issues[0]
    throw invalid(`${path}, ${issue?.path.join('.') || 'at its top'}: ${issue?.message ?? 'it cannot be used'}`)
  }
  return new Map(Object.entries(read.data).map(([model, entries]) => [model, newestFirst(entries)]))
}

/** What a model costs at that time. Throws `unknown_price`: a call whose price is not known is not made. */
export const priceOf = (prices: Prices, model: string, at: Date): ModelPrice => {
  const price = entriesOf(prices, model).find(({ validFrom }) => validFrom <= at)
  if (price) return price
  throw new JourneymanError('unknown_price', `There is no price for the model "${model}", so it is not called.`, {
    nextAction: `Add ${model} with the vendor's published prices to prices.yaml, or choose a model that is there.`,
    detail: { model },
  })
}

/**
 * What may follow a model's name: a date or an alias, nothing else. A bare prefix would give `claude-sonnet-5-9` the price
 * of `claude-sonnet-5`.
 */
const suffix = /^(-\d{8}|@\d{8}|-latest|-0)$/

const entriesOf = (prices: Prices, model: string): readonly DatedPrice[] => {
  const exact = prices.get(model)
  if (exact) return exact
  const known = [...prices.keys()].filter((name) => model.startsWith(name) && suffix.test(model.slice(name.length)))
  const longest = known.sort((a, b) => b.length - a.length)[0]
  return longest === undefined ? [] : (prices.get(longest) ?? [])
}

const newestFirst = (entries: z.infer<typeof fileSchema>[string]): DatedPrice[] =>
  entries
    .map(({ valid_from, input, output, cache_read, cache_write }) => ({
      validFrom: new Date(valid_from),
      input,
      output,
      cacheRead: cache_read,
      cacheWrite: cache_write,
    }))
    .sort((a, b) => b.validFrom.getTime() - a.validFrom.getTime())

const parseYaml = (text: string, path: string): unknown => {
  try {
    return parse(text)
  } catch (cause) {
    throw invalid(
      `The price list ${path} is not YAML: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    )
  }
}

const invalid = (sentence: string, cause?: unknown): JourneymanError =>
  new JourneymanError('invalid_configuration', `${sentence}.`, {
    nextAction: 'Mend prices.yaml; its head says what may stand there.',
    cause,
  })
