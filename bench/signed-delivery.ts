import { createHmac } from 'node:crypto'
import { createRequire } from 'node:module'

/** A delivery as GitHub posts it, ready to be written to a socket. */
export type SignedDelivery = { url: string; bytes: Buffer }

/**
 * Deliveries of `issues.labeled`, each about another issue: the vendor's own example, some twelve kilobytes, with what has
 * to differ put in.
 */
export const createDeliveries = (url: string, secret: string, label: string) => {
  const example = exampleOf('issues', 'labeled')
  return (number: number): SignedDelivery => {
    const { issue } = example as { issue: Record<string, unknown> }
    const payload = {
      ...example,
      issue: { ...issue, number, html_url: `https://github.com/Codertocat/Hello-World/issues/${number}` },
      label: { ...(example['label'] as object), name: label },
      installation: { id: 1, node_id: 'MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9uMQ==' },
    }
    const body = Buffer.from(JSON.stringify(payload))
    return { url, bytes: Buffer.concat([Buffer.from(headOf(url, secret, number, body)), body]) }
  }
}

const headOf = (url: string, secret: string, number: number, body: Buffer): string =>
  [
    `POST ${new URL(url).pathname} HTTP/1.1`,
    `host: ${new URL(url).host}`,
    'content-type: application/json',
    'x-github-event: issues',
    `x-github-delivery: 00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
    `x-hub-signature-256: sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    `content-length: ${body.length}`,
    '',
    '',
  ].join('\r\n')

type Example = Record<string, unknown>

const exampleOf = (event: string, action: string): Example => {
  const events = createRequire(import.meta.url)('@octokit/webhooks-examples') as { name: string; examples: Example[] }[]
  const found = events.find(({ name }) => name === event)?.examples.find((example) => example['action'] === action)
  if (!found) throw new Error(`The vendor has no example of ${event}.${action}.`)
  return found
}
