import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** An empty bare repository, written and not asked for: no template, no hooks, no process. */
export const writeBareRepository = async (gitDir: string, alternates: string[]): Promise<void> => {
  await mkdir(join(gitDir, 'objects', 'info'), { recursive: true, mode: 0o750 })
  await mkdir(join(gitDir, 'refs', 'heads'), { recursive: true })
  await mkdir(join(gitDir, 'info'))
  await Promise.all([
    writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/main\n'),
    writeFile(join(gitDir, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = true\n'),
    // Above every .gitattributes of a tree: bytes go in and out as they are, and a diff shows what is there.
    writeFile(join(gitDir, 'info', 'attributes'), `* ${neutralAttributes.join(' ')}\n`),
    alternates.length > 0 &&
      writeFile(join(gitDir, 'objects', 'info', 'alternates'), alternates.map((path) => `${path}\n`).join('')),
  ])
}

const neutralAttributes = [
  '-text',
  '!eol',
  '-crlf',
  '-ident',
  '-filter',
  '!working-tree-encoding',
  '!diff',
  '!merge',
  '!whitespace',
  '!export-ignore',
  '!export-subst',
]
