import type { Exchange } from './exchange.ts'
import { findModel, type WorldModel, worldModels } from './models.ts'

export const modelsPath = /^\/v1\/models(?:\/([\w.-]+))?$/

/** `GET /v1/models` and `GET /v1/models/{id}`. */
export const answerModels = (exchange: Exchange): void => {
  const id = modelsPath.exec(exchange.path)?.[1]
  if (id === undefined) {
    const data = worldModels.map(modelInfo)
    const [first, last] = [data[0]?.id ?? null, data.at(-1)?.id ?? null]
    exchange.send(200, { data, has_more: false, first_id: first, last_id: last })
    return
  }
  const model = findModel(id)
  if (model) exchange.send(200, modelInfo(model))
  else exchange.refuse(404, `model: ${id}`)
}

const modelInfo = (model: WorldModel) => ({
  type: 'model',
  id: model.id,
  display_name: model.id,
  created_at: '2026-01-01T00:00:00Z',
  max_input_tokens: model.contextTokens,
  max_tokens: model.maxOutputTokens,
  capabilities: null,
})
