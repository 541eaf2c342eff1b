import { randomBytes } from 'node:crypto'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

const base32 = (value: number, length: number): string => {
  let rest = value
  let text = ''
  for (let index = 0; index < length; index++) {
    text = alphabet[rest % 32] + text
    rest = Math.floor(rest / 32)
  }
  return text
}

/**
 * An identifier that sorts by time of birth: `run_` + ten characters of milliseconds + twelve random ones. Lower case
 * letters and digits only, so that it can stand in a branch name, a file name and an address.
 */
export const newId = (prefix: 'run' | 'del' | 'agent' | 'chg' | 'eff' | 'prj'): string => {
  const random = [...randomBytes(12)].map((byte) => alphabet[byte % 32]).join('')
  return `${prefix}_${base32(Date.now(), 10)}${random}`
}
