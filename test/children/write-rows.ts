import { openDatabase } from '../../src/store/open-database.ts'

/** Writes rows into `written` as fast as it can and says the number of each once its transaction has committed. */
const [dataDir, from] = process.argv.slice(2)
const database = await openDatabase({ url: null, dataDir: dataDir!, poolSize: 1 })
await database.query('create table if not exists written (n integer primary key, text text not null)')
for (let n = Number(from); ; n++) {
  await database.query('insert into written (n, text) values ($1, $2)', [n, 'x'.repeat(500)])
  process.stdout.write(`${n}\n`)
}
