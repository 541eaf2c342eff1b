import type { ErrorRule } from '../domain/error-class.ts'
import { refusalRules } from '../guard/refusal.ts'
import * as anthropic from '../plugins/ai-provider/anthropic/error-rules.ts'
import * as github from '../plugins/github-client/error-rules.ts'

/** What is known better than by a failure's code alone; the first that fits decides. */
export const errorRules: readonly ErrorRule[] = [
  ...refusalRules(['github', 'anthropic']),
  ...github.errorRules,
  ...anthropic.errorRules,
]
