import { chmod, chown, lstat, mkdir, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { emptyFolder, journeyman } from './journeyman.ts'

const isPosix = process.platform !== 'win32'
const nameOfFolder = `journeyman-compiled-${process.geteuid?.()}`

/** One short command, with that as its temporary folder. */
const helpIn = (TMPDIR: string) => journeyman(['--help'], { cwd: TMPDIR, environment: { TMPDIR } })

describe.skipIf(!isPosix)('compiled modules', () => {
  it('are kept for the next start, in a folder that no other user can read or write', async () => {
    const temporary = await emptyFolder()
    expect((await helpIn(temporary)).code).toBe(0)
    const folder = join(temporary, nameOfFolder)
    expect((await lstat(folder)).mode & 0o777).toBe(0o700)
    expect(await readdir(folder, { recursive: true })).not.toEqual([])
  })

  it('are not taken from where somebody else could have put them, and everything works all the same', async () => {
    const open = await emptyFolder()
    await mkdir(join(open, nameOfFolder))
    await chmod(join(open, nameOfFolder), 0o770)

    const led = await emptyFolder()
    await mkdir(join(led, 'elsewhere'), { mode: 0o700 })
    await symlink('elsewhere', join(led, nameOfFolder))

    const replaceable = await emptyFolder()
    await chmod(replaceable, 0o777)

    for (const temporary of [open, led, replaceable]) {
      expect((await helpIn(temporary)).code).toBe(0)
      expect(await readdir(join(temporary, nameOfFolder))).toEqual([])
    }
  })

  it.skipIf(process.geteuid?.() !== 0)('are not taken from a temporary folder that is somebody else’s', async () => {
    const anothers = await emptyFolder()
    await chown(anothers, 65_534, 65_534)
    expect((await helpIn(anothers)).code).toBe(0)
    expect(await readdir(join(anothers, nameOfFolder))).toEqual([])
  })

  it('are done without where there is no temporary folder', async () => {
    const nowhere = join(await emptyFolder(), 'missing', 'file')
    const { code } = await journeyman(['--help'], { cwd: await emptyFolder(), environment: { TMPDIR: nowhere } })
    expect(code).toBe(0)
  })
})
