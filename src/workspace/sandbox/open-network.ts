import { randomUUID } from 'node:crypto'
import { chmod, chown, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { OpenNetwork } from './confinement.ts'
import type { Owner } from './owner.ts'
import { createProxy, type ProxyOptions } from './proxy.ts'

/**
 * A proxy for one command, listening on a socket in a folder that is mounted read-only into its sandbox. The socket is made
 * through the descriptor of the folder, since the path of a socket may have no more than 107 bytes.
 */
export const openNetwork = async (
  scratchDir: string,
  owner: Owner | null,
  allowedDomains: string[],
  options: ProxyOptions | undefined,
): Promise<OpenNetwork> => {
  const proxy = createProxy(allowedDomains, options)
  const folder = join(scratchDir, 'proxies', randomUUID())
  await mkdir(folder, { recursive: true, mode: 0o755 })
  const handle = await open(folder)
  try {
    await proxy.listen(`/proc/self/fd/${handle.fd}/proxy.sock`)
    const socket = join(folder, 'proxy.sock')
    await chmod(socket, 0o600)
    if (owner !== null) await chown(socket, owner.uid, owner.gid)
  } catch (error) {
    await handle.close()
    throw error
  }
  return {
    folder,
    close: async () => {
      await proxy.close()
      await handle.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
