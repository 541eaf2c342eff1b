import { openDatabase } from '../../src/store/open-database.ts'

/** Opens the embedded database in the given folder and says "open", or the code and sentence of the refusal; stays until killed. */
const [dataDir] = process.argv.slice(2)
try {
  await openDatabase({ url: null, dataDir: dataDir!, poolSize: 1 })
  console.log('open')
  setInterval(() => undefined, 60_000)
} catch (error) {
  const { code, message } = error as { code: string; message: string }
  console.log(`${code}: ${message}`)
  process.exit(1)
}
