import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { scratchFolder } from '../../test/scratch-folder.ts'
import { createControlClient } from './control-client.ts'

const addressIn = (folder: string): string =>
  process.platform === 'win32' ? `\\\\.\\pipe\\${folder.replaceAll(/\W/g, '-')}` : `${folder}/socket`

const approve = (address: string) =>
  createControlClient({ address, version: '1.2.3' }, 'operator:al').ask('answer', { run: 'x', verdict: 'approved' })

it('whoever got no answer is told that it may have been done: said again, a yes would be to the next question', async () => {
  const address = addressIn(await scratchFolder('client'))
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.destroy())
  }).listen(address)
  onTestFinished(async () => void server.close())
  await once(server, 'listening')
  await expect(approve(address)).rejects.toMatchObject({
    code: 'unavailable',
    nextAction: expect.stringContaining('It may have been done all the same'),
  })
})

it('what has reached nobody can be said again, for whatever reason it came to no connection', async () => {
  const folder = await scratchFolder('client')
  await writeFile(`${folder}/file`, '')
  for (const address of [addressIn(folder), `${folder}/file/socket`]) {
    await expect(approve(address)).rejects.toMatchObject({
      code: 'unavailable',
      nextAction: expect.stringContaining('Say the same again'),
    })
  }
})
