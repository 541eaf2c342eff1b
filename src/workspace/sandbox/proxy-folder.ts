import { JourneymanError } from '../../domain/errors.ts'
import type { OpenNetwork } from './confinement.ts'
import type { Owner } from './owner.ts'
export type ProxyOptions = Record<string, never>
export const openProxyFolder =
  (_options: { scratchDir: string; proxy?: ProxyOptions }, _owner: Owner | null) =>
  async (_allowedDomains: string[]): Promise<OpenNetwork> => {
    throw new JourneymanError('not_supported', 'The proxy is not there yet.')
  }
