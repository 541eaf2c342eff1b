import { describe, it } from 'vitest'
import { chaosOptions } from './chaos-options.ts'
import { runChaos } from './run-chaos.ts'

describe.skipIf(chaosOptions('pglite').database === 'postgres')('kills on the embedded database', () => {
  it('lose nothing and double nothing, wherever the process dies', { timeout: 3_600_000 }, () => runChaos('pglite'))
})
