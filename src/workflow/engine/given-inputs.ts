import { createHash } from 'node:crypto'

/** More than this is kept as its hash: it is there to be compared and looked at, not to be worked with. */
const mostBytes = 16_384

/** What a step was given, as its row keeps it. */
export const boundedInputs = (inputs: unknown): unknown => {
  if (inputs === null || inputs === undefined) return null
  const text = JSON.stringify(inputs)
  const bytes = Buffer.byteLength(text)
  return bytes <= mostBytes ? inputs : { '@sha256': createHash('sha256').update(text).digest('hex'), bytes }
}
