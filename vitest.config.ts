import { defineConfig } from 'vitest/config'
import { compiledOnce } from './test/compiled-once.ts'
import { LongFirst } from './test/long-first.ts'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    // A process each: tests end processes, arm crash points and open databases that are bound to their process.
    pool: 'forks',
    execArgv: compiledOnce,
    sequence: { sequencer: LongFirst },
    // One more than cores: many tests wait for a lease to lapse or a process to start.
    maxWorkers: 3,
    // Generous: machines are shared, and a test of a restart waits for leases to lapse.
    testTimeout: 90_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    // What is waited for comes, on a busy machine later than the second that is meant by itself.
    expect: { poll: { timeout: 30_000 } },
    reporters: ['default'],
  },
})
