/** What the first bytes of a TLS connection say about where it wants to go. */
export type ClientHello =
  | { state: 'incomplete' }
  | { state: 'invalid' }
  | { state: 'complete'; serverName: string | null }

/** More than any client sends, with a post-quantum key share too. */
export const maxClientHelloBytes = 16_384

/** Reads the server name of a ClientHello, which may be spread over several records. Never throws. */
export const readClientHello = (bytes: Buffer): ClientHello => {
  const handshake = joinRecords(bytes)
  if (handshake === 'invalid') return { state: 'invalid' }
  if (handshake.length >= 1 && handshake[0] !== clientHelloType) return { state: 'invalid' }
  if (handshake.length < 4 || handshake.length < 4 + handshake.readUIntBE(1, 3)) {
    return { state: bytes.length > maxClientHelloBytes ? 'invalid' : 'incomplete' }
  }
  const hello = handshake.subarray(4, 4 + handshake.readUIntBE(1, 3))
  try {
    return { state: 'complete', serverName: serverNameOf(hello) }
  } catch {
    return { state: 'invalid' }
  }
}

const handshakeRecord = 22
const clientHelloType = 1
const recordHeaderBytes = 5

/** What follows the whole hello is not looked at: it may be early data. */
const joinRecords = (bytes: Buffer): Buffer | 'invalid' => {
  const parts: Buffer[] = []
  let joined = 0
  let wanted = maxClientHelloBytes
  for (let at = 0; at < bytes.length && joined < wanted; ) {
    if (bytes[at] !== handshakeRecord || (at + 1 < bytes.length && bytes[at + 1] !== 3)) return 'invalid'
    if (bytes.length < at + recordHeaderBytes) break
    const length = bytes.readUInt16BE(at + 3)
    const part = bytes.subarray(at + recordHeaderBytes, at + recordHeaderBytes + length)
    parts.push(part)
    const began = joined < 4
    joined += part.length
    if (began && joined >= 4) wanted = 4 + Buffer.concat(parts).readUIntBE(1, 3)
    at += recordHeaderBytes + length
  }
  return Buffer.concat(parts)
}

/** Version, random, session id, cipher suites, compression; then the extensions, of which number 0 is the name. */
const serverNameOf = (hello: Buffer): string | null => {
  let at = 2 + 32
  at += 1 + hello.readUInt8(at)
  at += 2 + hello.readUInt16BE(at)
  at += 1 + hello.readUInt8(at)
  if (at >= hello.length) return null
  const end = at + 2 + hello.readUInt16BE(at)
  for (at += 2; at + 4 <= end; ) {
    const type = hello.readUInt16BE(at)
    const length = hello.readUInt16BE(at + 2)
    if (type === 0) return nameIn(hello.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return null
}

/** A list of exactly one name, of type 0. */
const nameIn = (extension: Buffer): string | null => {
  const length = extension.readUInt16BE(3)
  if (extension.readUInt8(2) !== 0 || extension.length !== 5 + length) return null
  return extension.toString('latin1', 5).toLowerCase()
}
