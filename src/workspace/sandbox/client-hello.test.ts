import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { connect } from 'node:tls'
import { expect, test } from 'vitest'
import { fc } from '../../../test/at-random.ts'
import { readClientHello } from './client-hello.ts'

/** The first bytes of a real client. */
const helloOf = async (servername: string): Promise<Buffer> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', servername })
  client.on('error', () => {})
  const [socket] = (await once(server, 'connection')) as [Socket]
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  client.destroy()
  server.close()
  return bytes
}

test('the name in the hello of a real client is found', async () => {
  expect(readClientHello(await helloOf('Registry.test'))).toEqual({ state: 'complete', serverName: 'registry.test' })
})

test('a hello without a name has none', async () => {
  expect(readClientHello(await helloOf(''))).toEqual({ state: 'complete', serverName: null })
})

test('a hello that is still coming is incomplete, at every byte', async () => {
  const hello = await helloOf('registry.test')
  for (let length = 0; length < hello.length; length++) {
    expect(readClientHello(hello.subarray(0, length)).state).toBe('incomplete')
  }
})

test('a hello in many small records is joined', async () => {
  const body = (await helloOf('registry.test')).subarray(5)
  const records = Array.from({ length: Math.ceil(body.length / 7) }, (_, index) => {
    const part = body.subarray(index * 7, index * 7 + 7)
    return Buffer.concat([Buffer.from([22, 3, 1, 0, part.length]), part])
  })
  expect(readClientHello(Buffer.concat(records))).toEqual({ state: 'complete', serverName: 'registry.test' })
})

test('what is not TLS is invalid', () => {
  expect(readClientHello(Buffer.from('GET / HTTP/1.1\r\n')).state).toBe('invalid')
  expect(readClientHello(Buffer.from('SSH-2.0-OpenSSH')).state).toBe('invalid')
})

test('no bytes make it throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const { state } = readClientHello(Buffer.concat([Buffer.from([22, 3, 1, 1, 0, 1, 0, 0, 200]), bytes]))
      expect(['incomplete', 'invalid', 'complete']).toContain(state)
    }),
  )
})
