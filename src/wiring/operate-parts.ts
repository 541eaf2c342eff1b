import type { Config } from '../config/schema.ts'
import type { OperateParts } from '../operate/contract.ts'
import { capsOf } from './settings.ts'

/** What the verbs of an operator need, beside the configuration. */
export const operateParts = (
  config: () => Config,
  given: Pick<OperateParts, 'database' | 'queue' | 'workflows'>,
): OperateParts => ({
  ...given,
  caps: (workflow) => capsOf(config(), workflow),
  repositoryUrl: (repository) => `${config().github.url}/${repository}`,
})
