import { controlAddress } from '../api/control-address.ts'
import { openControlSocket } from '../api/control-socket.ts'
import { installedVersion } from '../config/version.ts'
import { failureOf } from '../domain/errors.ts'
import { createDispatch } from '../operate/dispatch.ts'
import { operateParts } from './operate-parts.ts'
import type { Services } from './services.ts'

/** Lets the command line reach the embedded database that this process holds, and names the way in the lock file. */
export const startControl = async (
  services: Pick<Services, 'config' | 'log' | 'database' | 'queue' | 'shelf'>,
): Promise<() => Promise<void>> => {
  const { config, log, database, queue, shelf } = services
  const { announce } = database
  if (!announce) return async () => undefined
  try {
    const address = controlAddress(config().data_dir)
    const parts = operateParts(config, { database, queue, workflows: async () => shelf.workflows() })
    const socket = await openControlSocket({ address, version: installedVersion(), ...createDispatch(parts), log })
    announce(address)
    return async () => {
      announce(null)
      await socket.close()
    }
  } catch (error) {
    // The work is not kept from being done by it.
    log('warn', 'the command line cannot reach this server', { failure: failureOf(error) })
    return async () => undefined
  }
}
