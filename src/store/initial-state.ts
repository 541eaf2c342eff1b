import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { PGlite } from '@electric-sql/pglite'

/**
 * A new embedded database is the same each time, and to make one takes the processor three to five seconds, most of the start
 * of `journeyman test` and of the demo. The first that is made is kept as one file of four megabytes, and the next begin as
 * copies of it. `keptIn` is a folder that is trusted as much as the program itself. Nothing here may fail: without a kept
 * one, all is as it would be.
 */
export const keptInitialState = (keptIn: string): Blob | null => {
  try {
    return new Blob([new Uint8Array(zstdDecompressSync(readFileSync(initialStateFile(keptIn))))])
  } catch {
    // There is none yet, or it is broken, which its checksum says.
    return null
  }
}

/** Of a database that has just been made and that nobody has written to. */
export const keepInitialState = async (keptIn: string, lite: PGlite): Promise<void> => {
  const temporary = join(keptIn, `${randomUUID()}.tmp`)
  try {
    await lite.exec('checkpoint')
    const state = Buffer.from(await (await lite.dumpDataDir('none')).arrayBuffer())
    writeFileSync(temporary, zstdCompressSync(markedLast(state), { params }), { mode: 0o600 })
    renameSync(temporary, initialStateFile(keptIn))
  } catch {
    rmSync(temporary, { force: true })
  }
}

/** Of one that was cut short, a process being killed, it is not there: it is begun again. */
export const isDatabase = (folder: string): boolean => existsSync(join(folder, mark))

/** What makes a folder a database is copied last. A tar is blocks of 512 bytes: the head of each file, and what is in it. */
const markedLast = (tar: Buffer): Buffer => {
  const files: Buffer[] = []
  let at = 0
  while (at < tar.length && tar[at] !== 0) {
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8)
    const next = at + 512 + Math.ceil(size / 512) * 512
    files.push(tar.subarray(at, next))
    at = next
  }
  const isMark = (file: Buffer) => file.toString('latin1', 0, mark.length + 2) === `/${mark}\0`
  return Buffer.concat([...files.filter((file) => !isMark(file)), ...files.filter(isMark), tar.subarray(at)])
}

const mark = 'PG_VERSION'

const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 }

export const initialStateFile = (keptIn: string): string => join(keptIn, `new-database-${versionOfPglite()}.tar.zst`)

const versionOfPglite = (): string => {
  const manifest = new URL('../package.json', import.meta.resolve('@electric-sql/pglite'))
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}
