import { describe, inject, it } from 'vitest'
import { chaosOptions } from './chaos-options.ts'
import { runChaos } from './run-chaos.ts'

const isLeftOut = chaosOptions('postgres').database === 'pglite' || inject('templates').postgresUrl === null

describe.skipIf(isLeftOut)('kills of several workers on PostgreSQL', () => {
  it('lose nothing and double nothing, wherever a process dies', { timeout: 3_600_000 }, () => runChaos('postgres'))
})
