import { beforeAll, beforeEach, expect, test } from 'vitest'
import { describeOnEachDatabase, type TestDatabase } from '../../test/databases.ts'
import { appendAudit, verifyAudit } from './audit.ts'
import type { Db } from './database.ts'

const append = (db: Db, n: number): Promise<void> =>
  db.transaction().execute((tx) =>
    appendAudit(tx, {
      actor: 'github:octocat',
      action: 'effect.confirmed',
      detail: { n, zebra: 'z', apple: { b: [1, null, 'ü'], a: 0.1 }, gone: undefined },
    }),
  )

describeOnEachDatabase('the audit log', (open) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await open()
  })
  beforeEach(async () => {
    await database.query('truncate audit_log')
  })

  test('chains what transactions append at once, without a gap', async () => {
    const { db } = database
    await Promise.all(Array.from({ length: 20 }, (_, n) => append(db, n)))
    expect(await verifyAudit(db)).toEqual({ ok: true, rows: 20 })
  })

  test('does not count what was rolled back', async () => {
    const { db } = database
    await append(db, 1)
    const failing = db.transaction().execute(async (tx) => {
      await appendAudit(tx, { actor: 'a', action: 'b', detail: {} })
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    await append(db, 2)
    expect(await verifyAudit(db)).toEqual({ ok: true, rows: 2 })
  })

  test('shows a row that was changed, one that was removed, and one that was forged', async () => {
    const { db, query } = database
    for (let n = 1; n <= 5; n++) await append(db, n)
    const tampering: [string, string, number][] = [
      [`update audit_log set detail = jsonb_set(detail, '{n}', '99') where seq = 3`, 'row 3 was changed', 3],
      [`update audit_log set actor = 'someone else' where seq = 5`, 'row 5 was changed', 5],
      [`update audit_log set at = at + interval '1 second' where seq = 1`, 'row 1 was changed', 1],
      [`delete from audit_log where seq = 2`, 'row 2 is missing', 3],
      [
        `update audit_log set previous = (select hash from audit_log where seq = 1) where seq = 4`,
        'row 4 does not follow the row before it',
        4,
      ],
    ]
    await query('create table kept as select * from audit_log')
    for (const [statement, reason, brokenAt] of tampering) {
      await query(statement)
      expect(await verifyAudit(db)).toMatchObject({ ok: false, reason, brokenAt })
      await query('truncate audit_log')
      await query('insert into audit_log select * from kept')
      expect(await verifyAudit(db)).toEqual({ ok: true, rows: 5 })
    }
  })
})
