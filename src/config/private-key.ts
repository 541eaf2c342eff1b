import { createPrivateKey } from 'node:crypto'

/**
 * A private key as people paste it, as PEM: with real line ends, with `\n` in their place (a `.env` file on one line), or
 * the whole in base64. null: none of these.
 */
export const normalisePrivateKey = (text: string): string | null => {
  const written = text.replaceAll('\\r', '').replaceAll('\\n', '\n').replaceAll('\r', '').trim()
  const candidates = [written, Buffer.from(written, 'base64').toString('utf8').trim()]
  const pem = candidates.find((candidate) => candidate.startsWith('-----BEGIN '))
  return pem !== undefined && isPrivateKey(pem) ? `${pem}\n` : null
}

const isPrivateKey = (pem: string): boolean => {
  try {
    createPrivateKey(pem)
    return true
  } catch {
    return false
  }
}
