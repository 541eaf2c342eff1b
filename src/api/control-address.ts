import { createHash } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { JourneymanError } from '../domain/errors.ts'

/** What a unix socket's address may be long, on every system that has them. */
const longestAddress = 100

/**
 * Where the server of a data folder is spoken to: a socket in a folder that is its owner's alone, within the data folder or,
 * where that would be too long an address, in the folder for temporary files; on Windows a named pipe. The same for the same
 * data folder, so that what a killed server leaves is replaced and does not pile up.
 */
export const controlAddress = (dataDir: string, platform: NodeJS.Platform = process.platform): string => {
  const mark = createHash('sha256').update(dataDir).digest('hex').slice(0, 16)
  if (platform === 'win32') return `\\\\.\\pipe\\journeyman-${mark}`
  const inside = join(dataDir, 'control', 'socket')
  const { uid, username } = userInfo()
  const address = isShort(inside) ? inside : join(tmpdir(), `journeyman-${uid < 0 ? username : uid}`, mark)
  if (isShort(address)) return address
  throw new JourneymanError('invalid_configuration', `The address ${address} is too long for a socket.`, {
    nextAction: 'Set data_dir, or the folder for temporary files (TMPDIR), to a shorter path.',
  })
}

/** Makes the folder of a socket, or takes the one that is there if nobody else can reach into it. Throws `forbidden`. */
export const makePrivateFolder = (folder: string): void => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = lstatSync(folder)
  if (!found.isDirectory() || found.uid !== userInfo().uid) {
    throw new JourneymanError('forbidden', `${folder} belongs to somebody else.`, { nextAction: 'Remove it.' })
  }
  chmodSync(folder, 0o700)
}

const isShort = (address: string): boolean => Buffer.byteLength(address) <= longestAddress
