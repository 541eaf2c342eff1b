import type { SandboxStatus } from '../contract.ts'
import type { Confinement } from './confinement.ts'
import type { Owner } from './owner.ts'
export const selfTest = async (_c: Confinement, _o: Owner | null, _s: string): Promise<SandboxStatus> => ({
  kind: 'bubblewrap',
  usable: true,
  summary: 'bubblewrap (self-test to come)',
  attempts: [],
})
