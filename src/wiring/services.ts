import type { Config } from '../config/schema.ts'
import type { Breakers } from '../guard/breakers.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { TaskManagement } from '../plugins/task-management/contract.ts'
import type { VersionControl } from '../plugins/version-control/contract.ts'
import type { Queue } from '../queue/contract.ts'
import type { Database } from '../store/database.ts'
import type { Log } from './log.ts'
import type { WorkflowShelf } from './workflow-shelf.ts'

/** What the door and the work both need. The configuration is asked for at each use, since it may be reloaded. */
export type Services = {
  config: () => Config
  log: Log
  database: Database
  queue: Queue
  shelf: WorkflowShelf
  breakers: Breakers
  versionControl: VersionControl
  taskManagement: TaskManagement
  money: Ledger
}
