import { lockFolder } from '../../src/store/lock-folder.ts'

/** Waits until the given moment, takes the folder's lock and says "held" or the code of the refusal; stays until killed. */
const [folder, at] = process.argv.slice(2)
const wait = new Int32Array(new SharedArrayBuffer(4))
Atomics.wait(wait, 0, 0, Math.max(0, Number(at) - Date.now()))
try {
  lockFolder(folder!)
  console.log('held')
  setInterval(() => undefined, 60_000)
} catch (error) {
  console.log((error as { code: string }).code)
  process.exit(1)
}
