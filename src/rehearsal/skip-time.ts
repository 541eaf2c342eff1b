import { sql } from 'kysely'
import type { Db } from '../store/database.ts'

/**
 * Moves what a run waits for nearer by so many seconds: the beginnings of its attempts and questions back, and what is to
 * come with them. Nobody's clock is changed: to the engine it looks like a run that has waited for as long. When the run
 * itself began stays as it is, since its commits bear that date; parked time is no part of its own anyway. Breakers go
 * along, since their time passes as well.
 */
export const skipTime = (db: Db, runId: string, seconds: number): Promise<void> =>
  db.transaction().execute(async (tx) => {
    const span = sql`make_interval(secs => ${seconds}::float)`
    await sql`update workflow_executions set wake_at = wake_at - ${span} where id = ${runId}`.execute(tx)
    await sql`update step_executions set attempt_at = attempt_at - ${span}, retry_at = retry_at - ${span}
      where run_id = ${runId}`.execute(tx)
    await sql`update approvals set requested_at = requested_at - ${span}, expires_at = expires_at - ${span}
      where run_id = ${runId}`.execute(tx)
    await sql`update circuit_breakers set opened_at = opened_at - ${span}, retry_at = retry_at - ${span}`.execute(tx)
  })

/** What one case leaves for all, and the next must not meet. */
export const forgetServices = async (db: Db): Promise<void> => {
  await sql`delete from circuit_breakers`.execute(db)
  await sql`delete from budgets where scope <> 'run'`.execute(db)
}
