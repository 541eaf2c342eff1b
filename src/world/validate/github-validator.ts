import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type OpenApiDocument, openApiValidator } from './open-api-validator.ts'
import { type Check, schemaCompiler } from './schema-compiler.ts'
import type { Validator } from './validator.ts'

/** Judges what an outgoing webhook says; an empty list when the vendor would send the same. */
export type WebhookValidator = { description: string; payload: (event: string, payload: unknown) => string[] }

/** GitHub's own description of its REST interface, or null where the development dependency is not installed. */
export const githubValidator = async (): Promise<Validator | null> => {
  const found = await readPackage<OpenApiDocument>('@octokit/openapi')
  if (found === null) return null
  correct(found.document)
  return openApiValidator(found.document, `specification ${found.version}`)
}

/**
 * Where the description contradicts itself. The list of installations carries an old copy of their schema, in which an
 * account is a person and an enterprise at once; a single installation is described as it is.
 */
const correct = (document: OpenApiDocument): void => {
  const installations = document.paths['/app/installations']?.['get']?.responses['200'] as Response | undefined
  const content = installations?.content?.['application/json']
  if (content) content.schema = { type: 'array', items: { $ref: '#/components/schemas/installation' } }
}

type Response = { content?: Record<string, { schema?: unknown }> }

/** GitHub's own description of its webhooks, or null as above. Read at the first delivery: it takes a while. */
export const githubWebhookValidator = async (): Promise<WebhookValidator | null> => {
  const found = await readPackage<WebhookDocument>('@octokit/openapi-webhooks')
  if (found === null) return null
  const compile = schemaCompiler(found.document.components.schemas, { coerce: false })
  const checks = new Map<string, Check | null>()
  return {
    description: `webhooks ${found.version}`,
    payload: (event, payload) => {
      const schema = webhookSchema(found.document, event, payload)
      if (schema === null) return [`the description knows no webhook ${event} with this action`]
      const key = JSON.stringify(schema)
      // Payloads grow faster than their description: what is there is checked, what is more is let through.
      const check = checks.get(key) ?? compile(schema, false)
      checks.set(key, check)
      return check(payload)
    },
  }
}

type WebhookDocument = {
  webhooks: Record<string, { post: { requestBody: { content: { 'application/json': { schema: { $ref: string } } } } } }>
  components: { schemas: Record<string, unknown> }
}

const webhookSchema = (document: WebhookDocument, event: string, payload: unknown): unknown => {
  const action = (payload as { action?: unknown } | null)?.action
  const name = typeof action === 'string' ? `${event} ${action}` : event
  return document.webhooks[name.replaceAll(/[_ ]/g, '-')]?.post.requestBody.content['application/json'].schema ?? null
}

const readPackage = async <T>(name: string): Promise<{ document: T; version: string } | null> => {
  const require = createRequire(import.meta.url)
  let manifest: string
  try {
    manifest = require.resolve(`${name}/package.json`)
  } catch {
    return null
  }
  const version = (JSON.parse(await readFile(manifest, 'utf8')) as { version: string }).version
  const text = await readFile(require.resolve(`${name}/generated/api.github.com.json`), 'utf8')
  return { document: JSON.parse(text) as T, version }
}
