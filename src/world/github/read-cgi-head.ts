/** Takes the head off a CGI answer: calls back once with status and headers, and returns what of each chunk is body. */
export const readCgiHead = (onHead: (status: number, headers: Record<string, string>) => void) => {
  let pending: Buffer | null = Buffer.alloc(0)
  return (chunk: Buffer): Buffer => {
    if (pending === null) return chunk
    pending = Buffer.concat([pending, chunk])
    const end = pending.indexOf('\r\n\r\n')
    if (end < 0) return Buffer.alloc(0)
    const { status, headers } = parseHead(pending.subarray(0, end).toString())
    const body = pending.subarray(end + 4)
    pending = null
    onHead(status, headers)
    return body
  }
}

const parseHead = (text: string): { status: number; headers: Record<string, string> } => {
  const headers: Record<string, string> = {}
  let status = 200
  for (const line of text.split('\r\n')) {
    const [name = '', ...value] = line.split(': ')
    if (name.toLowerCase() === 'status') status = Number.parseInt(value.join(': '), 10)
    else headers[name.toLowerCase()] = value.join(': ')
  }
  return { status, headers }
}
