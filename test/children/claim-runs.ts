import { createInterface } from 'node:readline'
import { claimRun } from '../../src/store/claim-run.ts'
import { openDatabase } from '../../src/store/open-database.ts'

/** For each line it is given, the id of a run, so many workers of this process claim that run at once; says who has it. */
const [url, many] = process.argv.slice(2)
const database = await openDatabase({ url: url!, dataDir: '', poolSize: Number(many) })
const owners = Array.from({ length: Number(many) }, (_, index) => `${process.pid}-${index}`)
// A connection for each of them, made before the first of them needs it.
await Promise.all(owners.map(() => database.query('select pg_sleep(0.1)')))
process.stdout.write('ready\n')
for await (const runId of createInterface({ input: process.stdin })) {
  const claimed = await Promise.all(owners.map((owner) => claimRun(database.db, runId, owner, 600)))
  const winners = claimed.flatMap((run, index) => (run ? [`${owners[index]}/${run.epoch}`] : []))
  process.stdout.write(`${runId} ${winners.join(',') || 'nobody'}\n`)
}
await database.close()
