import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { inject } from 'vitest'

/** A new folder for a test's database. The test removes it; when the tests are killed, `global-setup.ts` sees to it. */
export const scratchFolder = (name: string): Promise<string> => mkdtemp(join(inject('templates').scratch, `${name}-`))
