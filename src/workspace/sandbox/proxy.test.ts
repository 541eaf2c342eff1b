import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProxy, type ProxyOptions } from './proxy.ts'

let folder: string
let website: HttpServer
let recorder: Server
/** What has reached the server behind the tunnels. */
let received: Buffer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journeyman-proxy-'))
  website = createHttpServer((request, response) =>
    response.end(
      `${request.method} ${request.headers.host} ${request.url} ${request.headers['proxy-connection'] ?? ''}`,
    ),
  ).listen(0, '127.0.0.1')
  recorder = createServer((socket) => {
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
    })
    socket.on('error', () => {})
  }).listen(0, '127.0.0.1')
  await Promise.all([once(website, 'listening'), once(recorder, 'listening')])
})

afterAll(async () => {
  website.close()
  recorder.close()
  await rm(folder, { recursive: true, force: true })
})

const portOf = (server: Server | HttpServer): number => (server.address() as AddressInfo).port

/** Sends bytes to a proxy and gives back all that comes until it closes, or has been silent for a moment. */
const exchange = async (options: ProxyOptions, bytes: string, domains = ['site.test']): Promise<string> =>
  withProxy(options, domains, async (path) => {
    const client = connect(path)
    client.setTimeout(300, () => client.destroy())
    client.on('error', () => {})
    let answer = ''
    client.on('data', (chunk) => {
      answer += chunk.toString()
    })
    client.write(bytes)
    await once(client, 'close')
    return answer
  })

const withProxy = async <T>(
  options: ProxyOptions,
  domains: string[],
  use: (path: string) => Promise<T>,
): Promise<T> => {
  const proxy = createProxy(domains, options)
  const path = join(folder, `${Math.random().toString(36).slice(2)}.sock`)
  await proxy.listen(path)
  try {
    return await use(path)
  } finally {
    await proxy.close()
  }
}

const toWebsite = (): ProxyOptions => ({ loopbackHost: { host: 'site.test', port: portOf(website) } })
const toRecorder = (): ProxyOptions => ({ loopbackHost: { host: 'site.test', port: portOf(recorder) } })
const status = (answer: string): string => answer.split(' ')[1] ?? ''

describe('plain requests', () => {
  test('an allowed host is reached, without the headers that concern the proxy', async () => {
    const answer = await exchange(
      toWebsite(),
      'GET http://site.test/a?b HTTP/1.1\r\nHost: site.test\r\nProxy-Connection: keep-alive\r\n\r\n',
    )
    expect(answer).toContain('GET site.test /a?b ')
    expect(answer).not.toContain('keep-alive\r\n\r\nGET site.test /a?b keep-alive')
  })

  test.each([
    ['another host', 'GET http://other.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n'],
    ['a forged Host header', 'GET http://site.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n'],
    ['two Host headers', 'GET http://site.test/ HTTP/1.1\r\nHost: site.test\r\nHost: other.test\r\n\r\n'],
    ['an allowed name as a user', 'GET http://site.test@other.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n'],
    ['a host that ends like an allowed one', 'GET http://evilsite.test/ HTTP/1.1\r\nHost: evilsite.test\r\n\r\n'],
    ['an allowed host as a prefix', 'GET http://site.test.evil.net/ HTTP/1.1\r\nHost: site.test.evil.net\r\n\r\n'],
    ['an IPv4 literal', 'GET http://127.0.0.1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'],
    ['an IPv4 literal as one number', 'GET http://2130706433/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'],
    ['an IPv6 literal', 'GET http://[::1]/ HTTP/1.1\r\nHost: [::1]\r\n\r\n'],
    ['the metadata address', 'GET http://169.254.169.254/ HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n'],
    ['another port', 'GET http://site.test:22/ HTTP/1.1\r\nHost: site.test:22\r\n\r\n'],
    ['another scheme', 'GET ftp://site.test/ HTTP/1.1\r\nHost: site.test\r\n\r\n'],
    ['a path without a host', 'GET / HTTP/1.1\r\nHost: site.test\r\n\r\n'],
  ])('%s is refused', async (_name, bytes) => {
    expect(['403', '400']).toContain(status(await exchange(toWebsite(), bytes)))
  })
})

describe('names', () => {
  test.each(['127.0.0.1', '169.254.169.254', '10.0.0.1', '::1', '::ffff:127.0.0.1'])(
    'an allowed name that leads to %s is refused',
    async (address) => {
      const options: ProxyOptions = { resolve: async () => ['93.184.215.14', address] }
      const answer = await exchange(options, 'CONNECT site.test:443 HTTP/1.1\r\nHost: site.test:443\r\n\r\n')
      expect(status(answer)).toBe('403')
      expect(answer).toContain('not public')
    },
  )

  test('a name is resolved once: the second answer of a rebinding server is never asked for', async () => {
    let asked = 0
    const resolve = async (): Promise<string[]> => {
      asked++
      return asked === 1 ? ['203.0.113.1'] : ['127.0.0.1']
    }
    await exchange({ resolve }, 'GET http://site.test/ HTTP/1.1\r\nHost: site.test\r\n\r\n')
    expect(asked).toBe(1)
  })
})

describe('tunnels', () => {
  test.each([
    ['to another host', 'CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n'],
    ['to another port', 'CONNECT site.test:22 HTTP/1.1\r\nHost: site.test:22\r\n\r\n'],
    ['with a forged Host header', 'CONNECT site.test:443 HTTP/1.1\r\nHost: other.test\r\n\r\n'],
    ['to an address', 'CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: 127.0.0.1:443\r\n\r\n'],
    ['to an IPv6 address', 'CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n'],
  ])('%s are refused', async (_name, bytes) => {
    expect(['403', '400']).toContain(status(await exchange(toRecorder(), bytes)))
  })

  test('what is not TLS does not reach the server', async () => {
    received = Buffer.alloc(0)
    const answer = await exchange(
      toRecorder(),
      'CONNECT site.test:443 HTTP/1.1\r\nHost: site.test:443\r\n\r\nGET / HTTP/1.1\r\n\r\n',
    )
    expect(status(answer)).toBe('200')
    expect(received.length).toBe(0)
  })

  test('TLS for the host reaches the server, TLS for another name in the same tunnel does not', async () => {
    received = Buffer.alloc(0)
    await tunnelTls('other.test')
    expect(received.length).toBe(0)
    await tunnelTls('site.test')
    expect(received.toString('latin1')).toContain('site.test')
  })

  test('a tunnel to port 80 is read as HTTP, and leads to its host only', async () => {
    const open = 'CONNECT site.test:80 HTTP/1.1\r\nHost: site.test:80\r\n\r\n'
    const good = await exchange(toWebsite(), `${open}GET /in HTTP/1.1\r\nHost: site.test\r\n\r\n`)
    expect(good).toContain('GET site.test /in ')
    const forged = await exchange(toWebsite(), `${open}GET /in HTTP/1.1\r\nHost: other.test\r\n\r\n`)
    expect(forged).toContain('403')
    const relayed = await exchange(toWebsite(), `${open}${open}GET /in HTTP/1.1\r\nHost: site.test\r\n\r\n`)
    expect(relayed).not.toContain('GET site.test')
  })

  const tunnelTls = (servername: string): Promise<void> =>
    withProxy(toRecorder(), ['site.test', 'other.test'], async (path) => {
      const client = connect(path)
      client.on('error', () => {})
      client.write('CONNECT site.test:443 HTTP/1.1\r\nHost: site.test:443\r\n\r\n')
      await once(client, 'data')
      const tls = connectTls({ socket: client as Duplex as never, servername })
      tls.on('error', () => {})
      await Promise.race([once(client, 'close'), new Promise((resolve) => setTimeout(resolve, 300))])
      tls.destroy()
      client.destroy()
    })
})
