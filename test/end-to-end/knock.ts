import { createHmac, randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { connect } from 'node:net'
import type { House } from './house.ts'

export type Answer = { status: number; contentType: string; text: string; json: Record<string, unknown> }

/** One request at the door, with exactly these bytes and headers. A body is an answer's only when it is JSON. */
export const knock = (
  house: House,
  asked: {
    method?: string
    path?: string
    body?: string | Buffer
    headers?: Record<string, string>
    chunked?: boolean
  },
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const body = Buffer.from(asked.body ?? '')
    const sent = request(new URL(asked.path ?? '/webhooks/github', doorOf(house)), {
      method: asked.method ?? 'POST',
      agent: false,
      headers: { ...(!asked.chunked && { 'content-length': String(body.length) }), ...asked.headers },
    })
    let answered = false
    sent.on('response', (response) => {
      answered = true
      const chunks: Buffer[] = []
      const done = () => resolve(answerOf(response.statusCode ?? 0, response.headers['content-type'], chunks))
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', done)
      response.on('error', done)
    })
    // A server that has heard enough answers, and closes while we are still speaking.
    sent.on('error', (error) => (answered ? undefined : reject(error)))
    sent.end(body)
  })

/** A delivery as GitHub sends it, but for what is given. Its signature fits its body unless `signed` says otherwise. */
export const deliver = (
  house: House,
  body: string | Buffer,
  given: { id?: string; event?: string; secret?: string; headers?: Record<string, string>; without?: string[] } = {},
): Promise<Answer> => {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'x-github-event': given.event ?? 'issues',
    'x-github-delivery': given.id ?? randomUUID(),
    'x-hub-signature-256': signature(given.secret ?? house.world.github.app.webhookSecret, body),
    ...given.headers,
  }
  for (const name of given.without ?? []) delete headers[name]
  return knock(house, { body, headers })
}

export const signature = (secret: string, body: string | Buffer, hash = 'sha256'): string =>
  `${hash}=${createHmac(hash, secret).update(body).digest('hex')}`

/** Bytes as they are, for what no client would send; gives all that comes back. */
export const knockRaw = (house: House, bytes: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(doorOf(house))
    const socket = connect(Number(port), hostname)
    let said = ''
    socket.on('data', (chunk) => {
      said += chunk.toString('utf8')
    })
    socket.on('close', () => resolve(said))
    socket.on('error', reject)
    socket.end(bytes)
  })

/** The body of a delivery that labels the ticket, without anybody having been told. */
export const labelBody = async (house: House, label = 'ai'): Promise<string> => {
  const { github } = house.world
  const address = github.webhookUrl
  github.webhookUrl = null
  await house.repository.label(house.issue.number, label, house.alice)
  github.webhookUrl = address
  return github.deliveries.at(-1)?.body ?? ''
}

/** `outcome -> how many`, of what came to GitHub's door. */
export const countedAtDoor = async (house: House): Promise<Record<string, number>> => {
  const { text } = await knock(house, { method: 'GET', path: '/metrics' })
  const found = text.matchAll(/^journeyman_deliveries_total\{provider="github",outcome="([^"]+)"\} (\d+)$/gm)
  return Object.fromEntries([...found].map(([, outcome, count]) => [outcome, Number(count)]))
}

const doorOf = (house: House): string => house.world.github.webhookUrl ?? 'http://nowhere.invalid'

const answerOf = (status: number, contentType: string | undefined, chunks: Buffer[]): Answer => {
  const text = Buffer.concat(chunks).toString('utf8')
  const isJson = contentType?.startsWith('application/json') ?? false
  return { status, contentType: contentType ?? '', text, json: isJson ? JSON.parse(text) : {} }
}
