import type { ErrorRule } from '../../../domain/error-class.ts'

/**
 * What ends for want of money is told apart from a request that is wrong and from an account that may not: nobody has to
 * mend anything but the account's credit or its limit. `classify-error.ts` puts into `detail.reason` which it was.
 */
export const errorRules: ErrorRule[] = [
  {
    service: 'anthropic',
    code: 'forbidden',
    matches: (failure) => failure.detail?.['reason'] === 'no_credit' || failure.detail?.['reason'] === 'spend_limit',
    class: 'budget',
  },
]
