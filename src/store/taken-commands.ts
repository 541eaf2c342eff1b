import type { Db, Tx } from './database.ts'

/**
 * Takes a command, in the transaction that does what it asks for or keeps what it is answered with; false where it was taken
 * before. Whoever takes it at the same time waits for the end of that transaction.
 */
export const takeCommand = async (tx: Tx, command: string): Promise<boolean> => {
  const row = await tx
    .insertInto('taken_commands')
    .values({ command })
    .onConflict((conflict) => conflict.doNothing())
    .returning('command')
    .executeTakeFirst()
  return row !== undefined
}

/** Whether it was taken before. */
export const isTaken = async (db: Db, command: string): Promise<boolean> => {
  const row = await db.selectFrom('taken_commands').select('command').where('command', '=', command).executeTakeFirst()
  return row !== undefined
}
