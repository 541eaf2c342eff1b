/** After the first signal there is this long for a good end; a second signal ends at once. */
const patienceMs = 30_000
const signals = ['SIGINT', 'SIGTERM'] as const

/**
 * Resolves at the first SIGINT or SIGTERM (with undefined), or with what `failed` brings. From then on a second signal, or
 * too long an ending, kills this process: what it leaves is found and gone on with by the next.
 */
export const untilEnded = async <Failure>(failed: Promise<Failure>): Promise<Failure | undefined> => {
  const asked = new Promise<undefined>((resolve) => {
    for (const signal of signals) process.once(signal, () => resolve(undefined))
  })
  const outcome = await Promise.race([asked, failed])
  const kill = () => process.kill(process.pid, 'SIGKILL')
  for (const signal of signals) process.once(signal, kill)
  setTimeout(kill, patienceMs).unref()
  return outcome
}
