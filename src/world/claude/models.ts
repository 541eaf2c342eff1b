/**
 * What the vendor documents of each model: the window, the longest answer, and how long a prefix must be before it is
 * cached (shorter ones are marked in vain, without an error).
 */
export type WorldModel = {
  id: string
  contextTokens: number
  maxOutputTokens: number
  cacheMinimumTokens: number
}

const model = (id: string, cacheMinimumTokens: number, contextTokens = 1_000_000, maxOutputTokens = 128_000) => ({
  id,
  contextTokens,
  maxOutputTokens,
  cacheMinimumTokens,
})

export const worldModels: readonly WorldModel[] = [
  // Nobody's: what the demo calls its script, so that no real model is named where none has spoken.
  model('scripted-model', 1024),
  model('claude-opus-5-5', 1024),
  model('claude-opus-5', 1024),
  model('claude-sonnet-5-5', 1024),
  model('claude-sonnet-5', 1024),
  model('claude-haiku-5-5', 1024),
  model('claude-opus-4-8', 1024),
  model('claude-opus-4-7', 4096),
  model('claude-opus-4-6', 4096),
  model('claude-sonnet-4-6', 1024, 1_000_000, 64_000),
  model('claude-opus-4-5', 4096, 200_000, 64_000),
  model('claude-sonnet-4-5', 1024, 200_000, 64_000),
  model('claude-haiku-4-5', 4096, 200_000, 64_000),
]

/** A name may carry the date of its snapshot: `claude-sonnet-4-5-20250929`. */
export const findModel = (id: string): WorldModel | undefined => {
  const family = id.replace(/-20\d{6}$/, '')
  return worldModels.find((candidate) => candidate.id === family)
}
