import { defineConfig } from 'vitest/config'
import { compiledOnce } from './test/compiled-once.ts'

/** `npm run chaos`: heavy, and so a command of its own. */
export default defineConfig({
  test: {
    include: ['test/chaos/*.chaos.ts'],
    globalSetup: ['test/global-setup.ts'],
    pool: 'forks',
    execArgv: compiledOnce,
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 60_000,
    reporters: ['verbose'],
  },
})
