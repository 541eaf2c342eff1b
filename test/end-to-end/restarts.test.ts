import { describe, inject, it } from 'vitest'
import { surviveServerFaults } from '../chaos/server-faults.ts'

describe.skipIf(inject('templates').postgresUrl === null)(
  'a PostgreSQL that fails while runs are under way (F6)',
  () => {
    it('ends no run and doubles nothing, restarted twice, its connections cut in between', () =>
      surviveServerFaults(['restart', 'terminate', 'restart'], { workers: 1, runs: 3 }))
  },
)
