import { JourneymanError } from '../../domain/errors.ts'

/** Whether a host may be reached. Only names: an address, in whatever spelling, is never one. */
export type HostRule = (host: string) => boolean

/** `host`, or `*.suffix` for what is below it, label by label. Throws `invalid_configuration` for anything else. */
export const allowedHosts = (domains: string[]): HostRule => {
  const patterns = domains.map((domain) => requirePattern(domain.trim().toLowerCase()))
  const exact = new Set(patterns.filter((pattern) => !pattern.startsWith('*.')))
  const suffixes = patterns.filter((pattern) => pattern.startsWith('*.')).map((pattern) => pattern.slice(1))
  return (host) =>
    isHostName(host) &&
    (exact.has(host) || suffixes.some((suffix) => host.endsWith(suffix) && host.length > suffix.length))
}

/** Lower case, of labels, and ending in a label that is not a number: so no IPv4 address in any of its spellings. */
export const isHostName = (host: string): boolean =>
  host.length <= 253 && /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$/.test(host)

const requirePattern = (pattern: string): string => {
  if (isHostName(pattern.startsWith('*.') ? pattern.slice(2) : pattern)) return pattern
  throw new JourneymanError(
    'invalid_configuration',
    `"${pattern.slice(0, 100)}" in allowed_domains is neither a host name nor *. and a host name.`,
    { nextAction: 'Write registry.npmjs.org, or *.example.org; no addresses, no ports, no single labels.' },
  )
}
