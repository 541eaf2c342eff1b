import { userInfo } from 'node:os'
import { processEnvironment } from '../config/environment.ts'
import { loadConfig } from '../config/load-config.ts'
import { codeOf } from '../domain/errors.ts'
import { openOperator } from '../wiring/open-operator.ts'
import type { OpenedOperator } from '../wiring/opened-operator.ts'
import type { ExitCode } from './exit-code.ts'
import { tellFailure } from './tell-failure.ts'

/**
 * Does something with the way to the verbs that there is, and closes it. What a verb refuses (no such run, nothing that
 * waits) is a call that was wrong; what keeps it from being reached is the installation's.
 */
export const withOperator = async (work: (opened: OpenedOperator) => Promise<ExitCode>): Promise<ExitCode> => {
  const { config } = loadConfig({ folder: process.cwd(), environment: processEnvironment() })
  const opened = await openOperator(config, operatorName())
  try {
    return await work(opened)
  } catch (error) {
    const code = codeOf(error)
    // Whoever read our output has seen enough.
    if (code === 'stopped') return 0
    if (code !== 'not_found' && code !== 'conflict') throw error
    tellFailure(error)
    return 2
  } finally {
    await opened.close()
  }
}

/** Who asks, as the audit log has it: the name that the operating system knows them by. */
const operatorName = (): string =>
  `operator:${accountName()
    .replace(/[^\p{L}\p{N}._-]/gu, '_')
    .slice(0, 64)}`

const accountName = (): string => {
  try {
    return userInfo().username || 'unknown'
  } catch {
    // A number without a name, as in some containers.
    return `uid-${process.getuid?.() ?? 'unknown'}`
  }
}
