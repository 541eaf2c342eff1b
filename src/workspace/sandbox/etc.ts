import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Folders of `/etc` that are mounted, where they exist: alternatives of programs, certificates, settings of Java. No keys. */
export const etcFolders = [
  '/etc/alternatives',
  '/etc/fonts',
  '/etc/java-11-openjdk',
  '/etc/java-17-openjdk',
  '/etc/java-21-openjdk',
  '/etc/ld.so.conf.d',
  '/etc/pki/ca-trust/extracted',
  '/etc/pki/tls/certs',
  '/etc/ssl/certs',
]

/** Files that programs need to load and to know names of protocols, copied: each mount makes every command slower. */
const copiedFiles = [
  'ld.so.cache',
  'ld.so.conf',
  'localtime',
  'magic',
  'mime.types',
  'os-release',
  'protocols',
  'services',
  'ssl/openssl.cnf',
]

/** Made up: no accounts and no names of the host. */
const ownFiles: Record<string, string> = {
  passwd: 'root:x:0:0:root:/root:/usr/sbin/nologin\nagent:x:1000:1000:agent:/home/agent:/bin/bash\n',
  group: 'root:x:0:\nagent:x:1000:\n',
  hosts: '127.0.0.1 localhost sandbox\n::1 localhost\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
}

type WriteFile = (path: string, content: string | Uint8Array) => Promise<void>

/** Lays out the `/etc` of the sandbox in a folder, with empty places for what is mounted. */
export const prepareEtc = async (folder: string, write: WriteFile): Promise<void> => {
  await mkdir(join(folder, 'ssl'), { recursive: true })
  await Promise.all([
    ...etcFolders.map((path) => makePlace(folder, path)),
    ...copiedFiles.map((name) => copyHostFile(folder, name, write)),
    ...Object.entries(ownFiles).map(([name, text]) => write(join(folder, name), text)),
  ])
}

const copyHostFile = async (folder: string, name: string, write: WriteFile): Promise<void> => {
  const content = await readFile(join('/etc', name)).catch(() => null)
  if (content !== null) await write(join(folder, name), content)
}

const makePlace = async (folder: string, path: string): Promise<void> => {
  const exists = await stat(path).catch(() => null)
  if (exists !== null) await mkdir(join(folder, path.slice('/etc/'.length)), { recursive: true })
}
