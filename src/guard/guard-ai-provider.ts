import { failureOf } from '../domain/errors.ts'
import type { AiProvider } from '../plugins/ai-provider/contract.ts'
import type { Breakers, Judge } from './breakers.ts'
import { inName } from './guard-plugin.ts'
import { modelBreaker } from './refusal.ts'
import { verdictOf } from './verdict.ts'

/**
 * A provider of models behind two breakers: the service's own, and one for each model that is too busy, since another
 * model of the same service may well answer then. A stream that is cut or falls silent is a failure like no answer at all.
 * After the caller's signal nothing is learnt from how a call ended.
 */
export const guardAiProvider = (provider: AiProvider, breakers: Breakers): AiProvider => {
  const { name } = provider
  const complete: AiProvider['complete'] = (request, signal, onProgress) => {
    const call = () => inName(name, () => provider.complete(request, signal, onProgress))
    const ofModel = () => breakers.pass(modelBreaker(name, request.model), call, judgeOf(signal, 'model'))
    return breakers.pass(name, ofModel, judgeOf(signal, 'service'))
  }
  return {
    ...provider,
    complete,
    // It may estimate where it cannot ask, and so may this.
    countTokens: (request, signal) =>
      breakers
        .pass(name, () => inName(name, () => provider.countTokens(request, signal)), remembered)
        .catch((error: unknown) => {
          if (failureOf(error).detail?.['breaker'] === undefined) throw error
          return provider.estimateTokens(request)
        }),
    // What `doctor` and health rest on asks in any case.
    check: (signal) => inName(name, () => provider.check(signal)),
  }
}

const remembered: Judge = { answered: 'unknown', failed: () => 'unknown' }

const judgeOf = (signal: AbortSignal, whose: 'model' | 'service'): Judge => ({
  answered: 'well',
  failed: (failure) => {
    if (signal.aborted) return 'unknown'
    const verdict = verdictOf(failure)
    if (verdict !== 'ill') return verdict
    return (failure.code === 'overloaded') === (whose === 'model') ? 'ill' : 'unknown'
  },
})
