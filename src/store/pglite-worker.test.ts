import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { copyPgliteTemplate } from '../../test/databases.ts'
import { scratchFolder } from '../../test/scratch-folder.ts'
import type { HostReply } from './pglite-worker.ts'

/** Far less than all the answers together, far more than the thread needs. */
const heapMb = 64
const answers = 120
const answerBytes = 1_000_000

test('the thread of the embedded database keeps nothing of what it has answered', async () => {
  const dataDir = await scratchFolder('test')
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
  await copyPgliteTemplate(dataDir)
  // A thread that needs more than its heap may have is ended, and `once` rejects with that.
  const worker = new Worker(new URL('./pglite-worker.ts', import.meta.url), {
    workerData: { folder: join(dataDir, 'pglite'), keptIn: null },
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  })
  onTestFinished(async () => void (await worker.terminate()))
  const heard = async (): Promise<HostReply> => ((await once(worker, 'message')) as [HostReply])[0]
  expect(await heard()).toEqual({ ready: true })
  for (let id = 1; id <= answers; id++) {
    worker.postMessage({ id, bytes: simpleQuery(`select repeat('x', ${answerBytes})`) })
    const { bytes } = (await heard()) as { bytes: Uint8Array }
    expect(bytes.length).toBeGreaterThan(answerBytes)
    // A row and what comes after it, whole: the end says that the server waits for the next.
    expect(Buffer.from(bytes.subarray(-6)).toString('latin1')).toBe('Z\0\0\0\u0005I')
  }
}, 120_000)

const simpleQuery = (text: string): Uint8Array => {
  const body = Buffer.from(`${text}\0`)
  const bytes = new Uint8Array(5 + body.length)
  bytes[0] = 'Q'.charCodeAt(0)
  new DataView(bytes.buffer).setInt32(1, 4 + body.length)
  bytes.set(body, 5)
  return bytes
}
