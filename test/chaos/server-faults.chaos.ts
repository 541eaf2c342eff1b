import { describe, inject, it } from 'vitest'
import { chaosOptions } from './chaos-options.ts'
import { type ServerFault, surviveServerFaults } from './server-faults.ts'

const isLeftOut = chaosOptions('postgres').database === 'pglite' || inject('templates').postgresUrl === null
const often = (fault: ServerFault, times: number): ServerFault[] => Array.from({ length: times }, () => fault)

describe.skipIf(isLeftOut)('a PostgreSQL that fails while runs are under way (F6)', () => {
  it('by being restarted, 20 times', { timeout: 900_000 }, () =>
    surviveServerFaults(often('restart', 20), { workers: 2, runs: 6 }),
  )

  it('by cutting its connections, and by a network that forwards nothing', { timeout: 900_000 }, () =>
    surviveServerFaults([...often('terminate', 10), ...often('half_open', 2)], { workers: 2, runs: 6 }),
  )
})
