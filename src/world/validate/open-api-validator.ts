import { type PathMatch, pathIndex } from './path-index.ts'
import { type Check, schemaCompiler } from './schema-compiler.ts'
import type { Validator } from './validator.ts'

type Parameter = { name: string; in: string; required?: boolean; schema?: unknown; 'x-multi-segment'?: boolean }
type Content = Record<string, { schema?: unknown }>
type Operation = {
  parameters?: unknown[]
  requestBody?: { required?: boolean; content?: Content }
  responses: Record<string, unknown>
}
export type OpenApiDocument = {
  info: { version: string }
  paths: Record<string, Record<string, Operation>>
  components: Record<string, Record<string, unknown>>
}

/** What one operation allows; compiled at its first use. */
type Judge = {
  parameters: Check
  query: Check
  body: Check | null
  bodyRequired: boolean
  responses: Map<number, Check | null>
}

/** Judges requests and answers by an OpenAPI 3 document: route, parameters, query, body, status and answer. */
export const openApiValidator = (document: OpenApiDocument, description: string): Validator => {
  const resolve = resolver(document)
  const find = pathIndex(Object.keys(document.paths), (template) => hasRest(document, template, resolve))
  const schemas = document.components['schemas'] ?? {}
  const compile = {
    strict: schemaCompiler(schemas, { coerce: false }),
    text: schemaCompiler(schemas, { coerce: true }),
  }
  const judges = new Map<string, Judge>()
  const judgeOf = (method: string, match: PathMatch): Judge | null => {
    const operation = document.paths[match.template]?.[method.toLowerCase()]
    if (operation === undefined) return null
    const key = `${method} ${match.template}`
    const judge = judges.get(key) ?? newJudge(operation, resolve, compile)
    judges.set(key, judge)
    return judge
  }
  return {
    description,
    request: ({ method, path, query, body }) => {
      const match = find(path)
      if (match === null) return ['the description has no such path']
      const judge = judgeOf(method, match)
      if (judge === null) return [`the description has no ${method} on ${match.template}`]
      return [
        ...judge.parameters({ ...match.parameters }).map((problem) => `path: ${problem}`),
        ...judge.query(Object.fromEntries(query)).map((problem) => `query: ${problem}`),
        ...bodyProblems(judge, body).map((problem) => `body: ${problem}`),
      ]
    },
    response: ({ method, path, status, body }) => {
      const match = find(path)
      const judge = match && judgeOf(method, match)
      // The request was already refused for its route; errors are often left out of a description.
      if (judge === null) return []
      const check = judge.responses.get(status)
      if (check === undefined) return status >= 400 ? [] : [`the description knows no ${status} here`]
      if (check === null) return body === undefined ? [] : [`the description has no content with ${status}`]
      return check(body)
    },
  }
}

type Resolve = <T>(value: unknown) => T
type Compile = { strict: ReturnType<typeof schemaCompiler>; text: ReturnType<typeof schemaCompiler> }

const resolver =
  (document: OpenApiDocument): Resolve =>
  <T>(value: unknown): T => {
    const ref = (value as { $ref?: unknown }).$ref
    if (typeof ref !== 'string') return value as T
    const [, , kind, name] = ref.split('/')
    return document.components[kind ?? '']?.[name ?? ''] as T
  }

const hasRest = (document: OpenApiDocument, template: string, resolve: Resolve): boolean => {
  const last = /\{([^}]+)\}$/.exec(template)?.[1]
  return Object.values(document.paths[template] ?? {}).some((operation) =>
    (operation.parameters ?? [])
      .map((parameter) => resolve<Parameter>(parameter))
      .some((parameter) => parameter.name === last && parameter['x-multi-segment'] === true),
  )
}

const newJudge = (operation: Operation, resolve: Resolve, compile: Compile): Judge => {
  const parameters = (operation.parameters ?? []).map((parameter) => resolve<Parameter>(parameter))
  const where = (place: string): Parameter[] => parameters.filter((parameter) => parameter.in === place)
  const bodySchema = operation.requestBody?.content?.['application/json']?.schema
  return {
    parameters: compile.text(objectOf(where('path'))),
    query: compile.text(objectOf(where('query'))),
    body: bodySchema === undefined ? null : compile.strict(bodySchema),
    bodyRequired: operation.requestBody?.required === true,
    responses: responsesOf(operation, resolve, compile),
  }
}

const objectOf = (parameters: Parameter[]): unknown => ({
  type: 'object',
  properties: Object.fromEntries(parameters.map((parameter) => [parameter.name, parameter.schema ?? {}])),
  required: parameters.filter((parameter) => parameter.required === true).map((parameter) => parameter.name),
})

const responsesOf = (operation: Operation, resolve: Resolve, compile: Compile): Map<number, Check | null> => {
  const responses = new Map<number, Check | null>()
  for (const [status, response] of Object.entries(operation.responses)) {
    const schema = resolve<{ content?: Content }>(response)?.content?.['application/json']?.schema
    responses.set(Number(status), schema === undefined ? null : compile.strict(schema, Number(status) < 400))
  }
  return responses
}

const bodyProblems = (judge: Judge, body: unknown): string[] => {
  if (body === undefined) return judge.bodyRequired ? ['it is required and missing'] : []
  if (judge.body === null) return isEmpty(body) ? [] : ['this operation takes none']
  return judge.body(body)
}

const isEmpty = (body: unknown): boolean => typeof body === 'object' && body !== null && Object.keys(body).length === 0
