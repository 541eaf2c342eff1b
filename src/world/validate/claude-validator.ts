import { readFile } from 'node:fs/promises'
import { schemaCompiler } from './schema-compiler.ts'
import type { Validator } from './validator.ts'

/**
 * The vendor's descriptions of the Messages API. They are not ours to ship: they are used where a folder with them lies
 * beside the checkout, and elsewhere the stand-in has its own rules alone.
 */
const descriptions = new URL('../../../../shared/specs/anthropic/', import.meta.url)

/**
 * null where the descriptions are not at hand. A request is judged by the types of the vendor's own client, which is
 * what the product sends with; an answer by the description of the interface, which knows the plain answer better.
 */
export const claudeValidator = async (folder: URL = descriptions): Promise<Validator | null> => {
  const types = await readJson<Types>(new URL('generated-from-types/anthropic-messages.schema.json', folder))
  const api = await readJson<Api>(new URL('openapi.json', folder))
  if (types === null || api === null) return null
  const compileType = schemaCompiler(types.definitions, { coerce: false })
  const compileApi = schemaCompiler(api.components.schemas, { coerce: false })
  const requests = new Map([
    ['POST /v1/messages', compileType({ $ref: '#/definitions/MessageCreateParams' })],
    ['POST /v1/messages/count_tokens', compileType({ $ref: '#/definitions/MessageCountTokensParams' })],
  ])
  const message = compileApi({ $ref: '#/components/schemas/Message' })
  return {
    description: "the vendor's schema",
    request: ({ method, path, body }) => requests.get(`${method} ${path}`)?.(body) ?? [],
    response: ({ method, path, status, body }) =>
      status === 200 && `${method} ${path}` === 'POST /v1/messages' ? message(body) : [],
  }
}

type Types = { definitions: Record<string, unknown> }
type Api = { components: { schemas: Record<string, unknown> } }

const readJson = async <T>(file: URL): Promise<T | null> => {
  const text = await readFile(file, 'utf8').catch(() => null)
  return text === null ? null : (JSON.parse(text) as T)
}
