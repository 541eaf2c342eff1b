import { randomUUID } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
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
    writeFileSync(temporary, zstdCompressSync(state, { params }), { mode: 0o600 })
    renameSync(temporary, initialStateFile(keptIn))
  } catch {
    rmSync(temporary, { force: true })
  }
}

const params = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 }

export const initialStateFile = (keptIn: string): string => join(keptIn, `new-database-${versionOfPglite()}.tar.zst`)

const versionOfPglite = (): string => {
  const manifest = new URL('../package.json', import.meta.resolve('@electric-sql/pglite'))
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}
