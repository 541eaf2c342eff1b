import { JourneymanError } from '../../../domain/errors.ts'
import { providerError } from './classify-error.ts'

/**
 * The clock beside one call. Three things end it: the caller's signal, silence (nothing for `stallMs`: before the answer
 * begins that is a `timeout`, in its middle `unavailable`), and `totalMs`, however busy the stream looks.
 */
export type CallWatch = {
  signal: AbortSignal
  /** The status has come; from now on silence is a stall. */
  begun: () => void
  /** An event has come. */
  heard: () => void
  /** Why the watch ended the call, if it did. */
  reason: () => JourneymanError | null
  /** Stops the clocks, and closes the connection if the stream was not read to its end. */
  end: () => void
}

export const watchCall = (caller: AbortSignal, limits: { stallMs: number; totalMs: number }): CallWatch => {
  const controller = new AbortController()
  let reason: JourneymanError | null = null
  let begun = false
  const stop = (why: JourneymanError) => {
    reason ??= why
    controller.abort(reason)
  }
  const fromCaller = () => stop(stoppedBy(caller))
  if (caller.aborted) fromCaller()
  caller.addEventListener('abort', fromCaller, { once: true })
  const silent = () =>
    begun
      ? stop(
          providerError(
            'unavailable',
            'unknown',
            `nothing came for ${limits.stallMs / 1000} s in the middle of an answer`,
          ),
        )
      : stop(providerError('timeout', 'unknown', `no sign of life for ${limits.stallMs / 1000} s`))
  const tooLong = () =>
    stop(providerError('timeout', 'unknown', `the answer was not complete after ${limits.totalMs / 1000} s`))
  const stall = setTimeout(silent, limits.stallMs)
  const total = setTimeout(tooLong, limits.totalMs)
  return {
    signal: controller.signal,
    begun: () => {
      begun = true
      stall.refresh()
    },
    heard: () => void stall.refresh(),
    reason: () => reason,
    end: () => {
      clearTimeout(stall)
      clearTimeout(total)
      caller.removeEventListener('abort', fromCaller)
      controller.abort()
    },
  }
}

const stoppedBy = (signal: AbortSignal): JourneymanError =>
  signal.reason instanceof JourneymanError
    ? signal.reason
    : new JourneymanError('stopped', 'The call to the model was stopped.', { detail: { charge: 'unknown' } })
