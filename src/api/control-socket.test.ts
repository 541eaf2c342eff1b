import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { scratchFolder } from '../../test/scratch-folder.ts'
import { JourneymanError } from '../domain/errors.ts'
import { controlAddress } from './control-address.ts'
import { openControlSocket } from './control-socket.ts'

type Answer = { status: number; lines: unknown[] }

/** What a client of any make may send: the bytes of a request, and what comes back until the end. */
const post = (address: string, path: string, body: string, method = 'POST'): Promise<Answer> =>
  new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(address, () =>
      socket.write(
        `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      ),
    )
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8')
    })
    socket.on('error', reject)
    socket.on('close', () => {
      const lines = text.split('\n').filter((line) => line.startsWith('{'))
      resolve({ status: Number(text.split(' ')[1]), lines: lines.map((line) => JSON.parse(line)) })
    })
  })

const opened = async (dataDir: string) => {
  const address = controlAddress(dataDir)
  const socket = await openControlSocket({
    address,
    version: '1.2.3',
    ask: async (verb, input, by) => {
      if (verb === 'broken') throw new Error('at /secret/place')
      if (verb !== 'echo') throw new JourneymanError('not_found', `There is no verb "${verb}" here.`)
      return { input, by }
    },
    follow: async function* (verb, _input, _by, signal) {
      for (let number = 1; verb === 'endless' ? !signal.aborted : number <= 2; number++) {
        yield { number }
        await wait(5)
      }
      if (verb === 'failing') throw new JourneymanError('conflict', 'It cannot go on.')
    },
    log: () => undefined,
  })
  onTestFinished(socket.close)
  return { address, close: socket.close }
}

const asking = (input: unknown = {}, more = {}) =>
  JSON.stringify({ version: '1.2.3', by: 'operator:al', input, ...more })

it('answers who can open the socket, which only its owner can', async () => {
  const { address } = await opened(await scratchFolder('control'))
  expect(await post(address, '/ask/echo', asking({ a: 1 }))).toEqual({
    status: 200,
    lines: [{ output: { input: { a: 1 }, by: 'operator:al' } }],
  })
  expect(statSync(address).mode & 0o777).toBe(0o600)
  expect(statSync(dirname(address)).mode & 0o777).toBe(0o700)
})

it('gives line after line to whoever follows, and says how it came to its end', async () => {
  const { address, close } = await opened(await scratchFolder('control'))
  const counted = [{ output: { number: 1 } }, { output: { number: 2 } }]
  expect((await post(address, '/follow/two', asking())).lines).toEqual([...counted, { end: true }])
  expect((await post(address, '/follow/failing', asking())).lines).toMatchObject([
    ...counted,
    { failure: { code: 'conflict', message: 'It cannot go on.' } },
  ])
  const endless = post(address, '/follow/endless', asking())
  await wait(50)
  await close()
  expect((await endless).lines.at(-1)).toMatchObject({ failure: { code: 'shutting_down' } })
})

it.each([
  [
    'another version',
    '/ask/echo',
    asking({}, { version: '1.2.4' }),
    409,
    /is version 1\.2\.3, and this command is version 1\.2\.4/,
  ],
  ['no version', '/ask/echo', '{}', 409, /version undefined/],
  ['nobody', '/ask/echo', asking({}, { by: 'root' }), 400, /does not say who asks/],
  ['a name that would forge a line of a log', '/ask/echo', asking({}, { by: 'operator:a\nb' }), 400, /who asks/],
  ['no JSON', '/ask/echo', 'version', 400, /no JSON/],
  ['a verb that there is not', '/ask/constructor', asking(), 404, /no verb "constructor"/],
  ['another address', '/elsewhere', asking(), 404, /nothing at this address/],
  ['a defect', '/ask/broken', asking(), 500, /defect/],
])('refuses %s in words', async (_, path, body, status, words) => {
  const { address } = await opened(await scratchFolder('control'))
  const answer = await post(address, path, body)
  expect(answer.status).toBe(status)
  expect(answer.lines).toMatchObject([{ failure: { message: expect.stringMatching(words) } }])
  expect(JSON.stringify(answer.lines)).not.toContain('/secret/place')
})

it('takes the place of a socket that a killed server left, and leaves none itself', async () => {
  const dataDir = await scratchFolder('control')
  const address = controlAddress(dataDir)
  mkdirSync(dirname(address), { recursive: true })
  writeFileSync(address, '')
  const { close } = await opened(dataDir)
  expect((await post(address, '/ask/echo', asking())).status).toBe(200)
  await close()
  expect(statSync(address, { throwIfNoEntry: false })).toBeUndefined()
})

it('has a short address however long the data folder is, and the same one each time', async () => {
  const short = await scratchFolder('control')
  expect(controlAddress(short, 'linux')).toBe(join(short, 'control', 'socket'))
  const long = join(short, 'a'.repeat(80), 'b'.repeat(80))
  const { address } = await opened(long)
  expect(address.length).toBeLessThanOrEqual(100)
  expect(controlAddress(long)).toBe(address)
  expect(controlAddress(`${long}c`)).not.toBe(address)
  expect((await post(address, '/ask/echo', asking())).status).toBe(200)
  expect(controlAddress(long, 'win32')).toMatch(/^\\\\\.\\pipe\\journeyman-\w+$/)
})
