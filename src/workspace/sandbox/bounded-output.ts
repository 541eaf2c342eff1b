/** Keeps the beginning and the end of what a program prints, in a memory that does not grow with it. */
export type BoundedOutput = {
  add: (chunk: Buffer) => void
  /** As text, with a line in the middle that says how much was left out. */
  text: () => string
  totalBytes: () => number
}

export const createBoundedOutput = (keptBytes: number): BoundedOutput => {
  const headBytes = Math.ceil(keptBytes / 2)
  const tailBytes = Math.max(0, keptBytes - headBytes)
  const head: Buffer[] = []
  const tail: Buffer[] = []
  let headUsed = 0
  let tailUsed = 0
  let total = 0

  const dropOldTail = (): void => {
    while (tail.length > 0 && tailUsed - tail[0]!.length >= tailBytes) tailUsed -= tail.shift()!.length
  }

  return {
    add: (chunk) => {
      total += chunk.length
      const forHead = chunk.subarray(0, headBytes - headUsed)
      // Copies, because a view would keep the whole chunk it was cut from alive.
      if (forHead.length > 0) head.push(Buffer.from(forHead))
      headUsed += forHead.length
      const rest = chunk.subarray(forHead.length).subarray(-tailBytes || chunk.length)
      if (rest.length === 0 || tailBytes === 0) return
      tail.push(Buffer.from(rest))
      tailUsed += rest.length
      dropOldTail()
    },
    text: () => {
      const end = Buffer.concat(tail).subarray(-tailBytes || tailUsed)
      const leftOut = total - headUsed - end.length
      if (leftOut <= 0) return Buffer.concat([...head, end]).toString('utf8')
      const start = Buffer.concat(head).toString('utf8')
      return `${start}\n[... ${leftOut} bytes left out here ...]\n${end.toString('utf8')}`
    },
    totalBytes: () => total,
  }
}
