import { createHash } from 'node:crypto'
import { findModel } from './models.ts'
import type { CountRequest } from './request-schema.ts'
import { turnsOf } from './rules.ts'

/**
 * Tokens by a stable approximation: 3.6 bytes each. The count is taken of the running total of bytes, so that the parts
 * of a prompt always add up to the whole.
 */
export const tokensOf = (bytes: number): number => Math.ceil(bytes / 3.6)

export type InputUsage = { input: number; cacheRead: number; cacheWrite: number }

/** One block of a prompt: what stands before it and it, as a hash and as tokens, and whether it is a cache point. */
type Piece = { hash: string; tokens: number; ttlMs: number | null }

const lookBackBlocks = 20
const ttls = { '5m': 5 * 60_000, '1h': 60 * 60_000 }

/** The prompt in the order in which it is cached: tools, system, messages. */
const piecesOf = (request: CountRequest): Piece[] => {
  const system = typeof request.system === 'string' ? [{ type: 'text', text: request.system }] : (request.system ?? [])
  const parts: { salt: string; block: object }[] = [
    ...(request.tools ?? []).map((block) => ({ salt: 'tool', block })),
    ...system.map((block) => ({ salt: 'system', block })),
    // A changed tool choice keeps the tools and the system prompt, and drops the cached messages.
    ...turnsOf(request).flatMap((turn, index) =>
      turn.blocks.map((block) => ({
        salt: index === 0 ? `${turn.role}${JSON.stringify(request.tool_choice)}` : turn.role,
        block,
      })),
    ),
  ]
  let hash = request.model
  let bytes = 0
  return parts.map(({ salt, block }, index) => {
    const { cache_control: mark, ...rest } = block as { cache_control?: { ttl?: '5m' | '1h' } | null }
    const effective = mark ?? (index === parts.length - 1 ? request.cache_control : null)
    const text = JSON.stringify(rest)
    hash = createHash('sha256').update(hash).update(salt).update(text).digest('base64')
    bytes += Buffer.byteLength(text)
    return { hash, tokens: tokensOf(bytes), ttlMs: effective ? ttls[effective.ttl ?? '5m'] : null }
  })
}

/** What a request would be charged for its input, and the step that makes its cache points readable. */
export type CachePlan = { usage: InputUsage; total: number; commit: () => void }
export type PromptCache = ReturnType<typeof createPromptCache>

/**
 * The prompt cache of one account. `plan` says what a request would be charged; `commit` makes its cache points
 * readable, as the vendor does when an answer begins: a refused request writes nothing.
 */
export const createPromptCache = () => {
  const expiries = new Map<string, number>()

  const plan = (request: CountRequest, now: number): CachePlan => {
    const pieces = piecesOf(request)
    const minimum = findModel(request.model)?.cacheMinimumTokens ?? 1024
    const marks = pieces.flatMap((piece, index) => (piece.ttlMs !== null && piece.tokens >= minimum ? [index] : []))
    const hit = longestHit(pieces, marks, (hash) => (expiries.get(hash) ?? 0) > now)
    const total = pieces.at(-1)?.tokens ?? 0
    const cacheRead = hit === -1 ? 0 : (pieces[hit] as Piece).tokens
    const cached = Math.max(cacheRead, marks.length === 0 ? 0 : (pieces[marks.at(-1) as number] as Piece).tokens)
    const commit = () => {
      for (const index of hit === -1 ? marks : [hit, ...marks]) {
        const piece = pieces[index] as Piece
        expiries.set(piece.hash, now + (piece.ttlMs ?? ttls['5m']))
      }
    }
    return { usage: { input: total - cached, cacheRead, cacheWrite: cached - cacheRead }, total, commit }
  }
  return { plan, forget: () => expiries.clear() }
}

/** From each cache point at most twenty blocks back, itself included; the longest prefix that is there wins. */
const longestHit = (pieces: Piece[], marks: number[], isCached: (hash: string) => boolean): number => {
  let best = -1
  for (const mark of marks) {
    for (let index = mark; index > Math.max(mark - lookBackBlocks, best, -1); index--) {
      if (isCached((pieces[index] as Piece).hash)) best = index
    }
  }
  return best
}
