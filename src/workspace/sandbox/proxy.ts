import { lookup } from 'node:dns/promises'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect, isIP, type LookupFunction, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { allowedHosts, type HostRule } from './allowed-hosts.ts'
import { maxClientHelloBytes, readClientHello } from './client-hello.ts'
import { isPublicAddress } from './public-address.ts'

export type ProxyOptions = {
  /** How a name becomes addresses; by default as this machine does it. */
  resolve?: (host: string) => Promise<string[]>
  /** For tests: a host that stands on this machine, and the port on which it does. Nothing else of it is reachable. */
  loopbackHost?: { host: string; port: number }
}

/**
 * The one way out of a sandbox: HTTP to port 80 and TLS to port 443 of the hosts that the repository's settings name. A
 * tunnel to port 80 is read as HTTP all the same, since some clients tunnel everything.
 */
export type Proxy = { listen: (path: string) => Promise<void>; close: () => Promise<void> }

type Target = { addresses: string[]; port: number }
/** What is said to the program inside, and so to the model: why it was refused. */
type Refused = { refused: string }

const maxConnections = 128
const headersWithinMs = 10_000
const helloWithinMs = 10_000
const idleMs = 120_000
const maxHeaderBytes = 16_384

/** Throws `invalid_configuration` for a domain that is none. */
export const createProxy = (allowedDomains: string[], options: ProxyOptions = {}): Proxy => {
  const isAllowed = allowedHosts(allowedDomains)
  const sockets = new Set<Duplex>()
  const keep = <T extends Duplex>(socket: T): T => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    return socket
  }
  const find = (host: string, port: number) => findTarget(isAllowed, options, host, port)
  const server = createServer({ maxHeaderSize: maxHeaderBytes, headersTimeout: headersWithinMs })
  server.maxConnections = maxConnections
  server.on('connection', keep)
  /** Connections that came through a tunnel to port 80, and to which host. */
  const tunnelled = new WeakMap<Duplex, string>()
  server.on('request', (incoming, response) => {
    void passRequest(find, tunnelled.get(incoming.socket) ?? null, incoming, response)
  })
  server.on('connect', (incoming, client, first) => {
    const [host, port] = splitAuthority(incoming.url ?? '')
    if (!hostHeaderIs(incoming, [`${host}:${port}`, host]) || tunnelled.has(client)) {
      refuseTunnel(client, 'A tunnel leads to the one host that its Host header names.')
    } else if (port === '80') {
      tunnelled.set(client, host)
      client.write(established)
      if (first.length > 0) client.unshift(first)
      server.emit('connection', client)
    } else if (port === '443') {
      void openTunnel(find, keep, host, client, first)
    } else {
      refuseTunnel(client, 'Tunnels lead to the ports 80 and 443.')
    }
  })

  return {
    listen: (path) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(path, () => resolve())
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

type Find = (host: string, port: number) => Promise<Target | Refused>

/** The name is resolved once, here, and these addresses are dialled: a name that changes its mind gains nothing. */
const findTarget = async (
  isAllowed: HostRule,
  options: ProxyOptions,
  host: string,
  port: number,
): Promise<Target | Refused> => {
  if (!isAllowed(host)) return { refused: `${host.slice(0, 260)} is not among the repository's allowed_domains.` }
  const { loopbackHost } = options
  if (loopbackHost?.host === host) return { addresses: ['127.0.0.1'], port: loopbackHost.port }
  const addresses = await (options.resolve ?? systemAddresses)(host).catch(() => [])
  if (addresses.length === 0) return { refused: `${host} has no address.` }
  if (!addresses.every(isPublicAddress)) return { refused: `${host} leads to an address that is not public.` }
  return { addresses, port }
}

const systemAddresses = async (host: string): Promise<string[]> =>
  (await lookup(host, { all: true })).map(({ address }) => address)

/** To port 443: only TLS, and only with the server name that was asked for. */
const openTunnel = async (
  find: Find,
  keep: (socket: Duplex) => Duplex,
  host: string,
  client: Duplex,
  first: Buffer,
): Promise<void> => {
  const target = await find(host, 443)
  if ('refused' in target) {
    refuseTunnel(client, target.refused)
    return
  }
  const server = dial(target)
  keep(server)
  client.on('close', () => server.destroy())
  server.on('close', () => client.destroy())
  server.once('connect', () => {
    client.write(established)
    joinAfterHello(client, server, host, first)
  })
}

const established = 'HTTP/1.1 200 Connection Established\r\n\r\n'

const refuseTunnel = (client: Duplex, reason: string): void => {
  client.end(`HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n${reason}\n`)
}

/** Nothing reaches the server before the hello has been read and names the host. */
const joinAfterHello = (client: Duplex, server: Socket, host: string, first: Buffer): void => {
  let seen = first
  const timer = setTimeout(() => client.destroy(), helloWithinMs)
  const look = (chunk: Buffer): void => {
    seen = Buffer.concat([seen, chunk])
    const hello = readClientHello(seen)
    if (hello.state === 'incomplete' && seen.length <= maxClientHelloBytes) return
    clearTimeout(timer)
    client.off('data', look)
    client.pause()
    if (hello.state !== 'complete' || hello.serverName !== host) {
      client.destroy()
      return
    }
    server.write(seen)
    client.pipe(server)
    server.pipe(client)
  }
  client.on('close', () => clearTimeout(timer))
  client.on('data', look)
  if (first.length > 0) look(Buffer.alloc(0))
}

/** A plain request, passed on over a connection of its own, so that no second one can hide behind it. */
const passRequest = async (
  find: Find,
  tunnelledTo: string | null,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const url = plainUrl(incoming.url ?? '', tunnelledTo)
  if (url === null || !hostHeaderIs(incoming, [url.hostname, `${url.hostname}:80`])) {
    refuse(response, 'Requests lead to http:// and port 80 of the host that their Host header names.')
    return
  }
  const target = await find(url.hostname, 80)
  if ('refused' in target) {
    refuse(response, target.refused)
    return
  }
  const outgoing = request({
    host: url.hostname,
    port: target.port,
    method: incoming.method ?? 'GET',
    path: `${url.pathname}${url.search}`,
    headers: { ...endToEnd(incoming.headers), host: url.hostname },
    lookup: pinnedTo(target.addresses),
    agent: false,
    timeout: idleMs,
  })
  outgoing.on('timeout', () => outgoing.destroy())
  outgoing.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()))
  outgoing.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers))
    answer.pipe(response)
    answer.on('error', () => response.destroy())
  })
  response.on('close', () => outgoing.destroy())
  incoming.pipe(outgoing)
}

/** In a tunnel a request names only its path; outside, the whole address. Anything else is null. */
const plainUrl = (address: string, tunnelledTo: string | null): URL | null => {
  const whole = tunnelledTo !== null && address.startsWith('/') ? `http://${tunnelledTo}${address}` : address
  if (!URL.canParse(whole)) return null
  const url = new URL(whole)
  const plain = url.protocol === 'http:' && url.port === '' && url.username === '' && url.password === ''
  return plain && (tunnelledTo === null || url.hostname === tunnelledTo) ? url : null
}

const refuse = (response: ServerResponse, reason: string): void => {
  response.writeHead(403, { 'content-type': 'text/plain', connection: 'close' }).end(`${reason}\n`)
}

const dial = (target: Target): Socket => {
  const socket = connect({ host: 'pinned.invalid', port: target.port, lookup: pinnedTo(target.addresses) })
  socket.setTimeout(idleMs, () => socket.destroy())
  return socket
}

const pinnedTo =
  (addresses: string[]): LookupFunction =>
  (_host, options, callback) => {
    const found = addresses.map((address) => ({ address, family: isIP(address) }))
    if (options.all) callback(null, found)
    else callback(null, found[0]!.address, found[0]!.family)
  }

/** `host:port` and nothing else; no user, no brackets. */
const splitAuthority = (authority: string): [host: string, port: string] => {
  const match = /^([^:/@[\]\s]+):(\d{1,5})$/.exec(authority)
  return match === null ? ['', ''] : [match[1]!.toLowerCase(), match[2]!]
}

/** Exactly one Host header: with two, ours and the server's reading could differ. */
const hostHeaderIs = (incoming: IncomingMessage, accepted: string[]): boolean => {
  const given = incoming.rawHeaders.filter(
    (_, index) => index % 2 === 1 && /^host$/i.test(incoming.rawHeaders[index - 1]!),
  )
  return given.length === 1 && accepted.includes(given[0]!.toLowerCase())
}

const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
]

/** Without what concerns one connection only, what `connection` itself names included. */
const endToEnd = (headers: IncomingHttpHeaders): IncomingHttpHeaders => {
  const named = (headers.connection ?? '').toLowerCase().split(/\s*,\s*/)
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !hopByHop.includes(name) && !named.includes(name)),
  )
}
