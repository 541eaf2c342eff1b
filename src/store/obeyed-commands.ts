import type { Db, Tx } from './database.ts'

/**
 * Writes down that a command has changed these runs, in the transaction that changes them. `command` is the delivery with the
 * place of the command in it: one comment may hold several.
 */
export const noteObeyed = async (tx: Tx, command: string, runIds: string[]): Promise<void> => {
  if (runIds.length === 0) return
  const rows = runIds.map((runId) => ({ command, run_id: runId }))
  await tx
    .insertInto('obeyed_commands')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Whether it has changed anything before. */
export const isObeyed = async (db: Db, command: string): Promise<boolean> => {
  const row = await db
    .selectFrom('obeyed_commands')
    .select('run_id')
    .where('command', '=', command)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}
