import { createHmac, randomUUID } from 'node:crypto'
import { request } from 'node:http'
import type { DeliveryState, GitHubState } from './state.ts'

export type Outgoing = {
  event: string
  action: string | null
  /** The raw body, as it is signed. */
  body: string
  guid?: string
  secret?: string
  headers?: Record<string, string>
  redelivery?: boolean
  repositoryId: number | null
  installationId: number | null
}

/** GitHub gives a receiver ten seconds, and does not try again by itself. */
const timeoutMs = 10_000
const maxAnswerCharacters = 65_536

/** Posts a signed webhook and keeps it in the list of deliveries, whatever comes of it. */
export const sendDelivery = async (state: GitHubState, outgoing: Outgoing): Promise<DeliveryState> => {
  const guid = outgoing.guid ?? randomUUID()
  const headers = { ...signedHeaders(state, outgoing, guid), ...outgoing.headers }
  const begun = performance.now()
  const delivery: DeliveryState = {
    id: state.nextId(),
    guid,
    event: outgoing.event,
    action: outgoing.action,
    statusCode: 0,
    body: outgoing.body,
    answer: '',
    headers,
    deliveredAt: new Date(),
    durationSeconds: 0,
    redelivery: outgoing.redelivery ?? false,
    repositoryId: outgoing.repositoryId,
    installationId: outgoing.installationId,
  }
  state.deliveries.push(delivery)
  const answer = await post(state.webhookUrl, outgoing.body, headers)
  delivery.statusCode = answer.status
  delivery.answer = answer.body.slice(0, maxAnswerCharacters)
  delivery.durationSeconds = (performance.now() - begun) / 1000
  return delivery
}

/** The same bytes under the same identifier, as the button "Redeliver" sends them. */
export const redeliver = (state: GitHubState, delivery: DeliveryState): Promise<DeliveryState> =>
  sendDelivery(state, { ...delivery, headers: {}, redelivery: true })

const signedHeaders = (state: GitHubState, { event, body, secret }: Outgoing, guid: string): Record<string, string> => {
  const sign = (hash: string): string =>
    createHmac(hash, secret ?? state.app.webhookSecret)
      .update(body)
      .digest('hex')
  return {
    accept: '*/*',
    'content-type': 'application/json',
    'user-agent': 'GitHub-Hookshot/world',
    'x-github-delivery': guid,
    'x-github-event': event,
    'x-github-hook-id': '1',
    'x-github-hook-installation-target-id': state.app.id,
    'x-github-hook-installation-target-type': 'integration',
    'x-hub-signature': `sha1=${sign('sha1')}`,
    'x-hub-signature-256': `sha256=${sign('sha256')}`,
  }
}

type Received = { status: number; body: string }

/** GitHub writes 502 into its list when nobody answers there, and 504 when the answer takes too long. */
const post = (url: string | null, body: string, headers: Record<string, string>): Promise<Received> =>
  new Promise((resolve) => {
    if (url === null) return resolve({ status: 502, body: '' })
    const bytes = Buffer.from(body)
    const sent = request(
      url,
      { method: 'POST', agent: false, timeout: timeoutMs, headers: { ...headers, 'content-length': bytes.length } },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', () => resolve({ status: 502, body: '' }))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
      },
    )
    sent.on('timeout', () => {
      resolve({ status: 504, body: '' })
      sent.destroy()
    })
    sent.on('error', () => resolve({ status: 502, body: '' }))
    sent.end(bytes)
  })
