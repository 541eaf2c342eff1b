import { type ActionSpec, defineAction, key, optional, someText, text } from './action-spec.ts'

const define = (action: string, spec: Parameters<typeof defineAction>[2]): ActionSpec =>
  defineAction('documentation', action, spec)

export const documentationSpecs: Record<string, ActionSpec> = {
  create_page: define('create_page', {
    description: 'Creates a page.',
    inputs: { space: someText, title: someText, content: text, parent: optional(key) },
    outputs: ['page_id', 'page_url'],
  }),
  update_page: define('update_page', {
    description: 'Rewrites a page.',
    inputs: { page_id: key, content: text, title: optional(text) },
    outputs: ['version'],
  }),
  search_pages: define('search_pages', {
    description: 'Searches for pages.',
    inputs: { query: someText, space: optional(text) },
    outputs: ['pages'],
  }),
  get_page_history: define('get_page_history', {
    description: 'Reads the versions of a page.',
    inputs: { page_id: key },
    outputs: ['history'],
  }),
  create_space: define('create_space', {
    description: 'Creates a space.',
    inputs: { name: someText, key: optional(text), description: optional(text) },
    outputs: ['space'],
  }),
}
