import { storable } from '../domain/storable-text.ts'
import type { AssistantBlock, ModelResponse } from '../plugins/ai-provider/contract.ts'

/**
 * An answer as it can be journalled and sent back. A model, or whoever stands between, may call tools by names and ids
 * that the API refuses when they come back to it; one such block would end the conversation at every later turn. The
 * model is the one that was asked for, not the dated name that it goes by, since prices and the fallback go by that.
 */
export const tidyResponse = (response: ModelResponse, model: string, ordinal: number): ModelResponse => {
  const ids = new Set<string>()
  const content = response.content.map((block, index): AssistantBlock => {
    const clean = storable(block) as AssistantBlock
    if (clean.type !== 'tool_use') return clean
    const id = /^[a-zA-Z0-9_-]{1,128}$/.test(clean.id) && !ids.has(clean.id) ? clean.id : `toolu_${ordinal}_${index}`
    ids.add(id)
    const name = clean.name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) || 'unnamed'
    const isObject = typeof clean.input === 'object' && clean.input !== null && !Array.isArray(clean.input)
    return { ...clean, id, name, input: isObject ? clean.input : { unreadable_arguments: String(clean.input) } }
  })
  return { ...response, content, model }
}
