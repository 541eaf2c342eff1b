import { createHash, randomBytes } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'

/**
 * Writes a commit object as git would: the same bytes, the same name. Snapshots are taken after every turn, and a process
 * for each of their commits would be a quarter of what they take.
 */
export const writeCommit = async (
  gitDir: string,
  commit: { tree: string; parent: string; person: string; message: string },
): Promise<string> => {
  const content = Buffer.from(
    `tree ${commit.tree}\nparent ${commit.parent}\nauthor ${commit.person}\ncommitter ${commit.person}\n\n${commit.message}\n`,
  )
  const object = Buffer.concat([Buffer.from(`commit ${content.length}\0`), content])
  const id = createHash('sha1').update(object).digest('hex')
  const folder = join(gitDir, 'objects', id.slice(0, 2))
  await mkdir(folder, { recursive: true })
  const temporary = join(folder, `tmp_obj_${randomBytes(6).toString('hex')}`)
  await writeFile(temporary, deflateSync(object, { level: 1 }), { mode: 0o444 })
  await rename(temporary, join(folder, id.slice(2)))
  return id
}
