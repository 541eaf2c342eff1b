import { z } from 'zod'
import { type ActionSpec, defineAction, optional, someText, text } from './action-spec.ts'

const define = (action: string, spec: Parameters<typeof defineAction>[2]): ActionSpec =>
  defineAction('ai_provider', action, spec)

export const aiProviderSpecs: Record<string, ActionSpec> = {
  generate_text: define('generate_text', {
    description: 'Has a model answer one prompt.',
    inputs: {
      prompt: someText,
      max_tokens: optional(z.int().positive()),
      temperature: optional(z.number().min(0).max(2)),
    },
    outputs: ['text'],
  }),
  analyze_code: define('analyze_code', {
    description: 'Has a model analyse code.',
    inputs: { code: someText, language: someText },
    outputs: ['analysis'],
  }),
  generate_code: define('generate_code', {
    description: 'Has a model write code for requirements, without tools.',
    inputs: { requirements: someText, context: optional(text) },
    outputs: ['code'],
  }),
  estimate_cost: define('estimate_cost', {
    description: 'Estimates what a prompt would cost.',
    inputs: { prompt: someText },
    outputs: ['usd'],
  }),
  get_usage_stats: define('get_usage_stats', {
    description: 'Reads what was used so far.',
    outputs: ['usage'],
  }),
}
