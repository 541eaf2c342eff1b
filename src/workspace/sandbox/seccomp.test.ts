import { describe, expect, test } from 'vitest'
import { type Architecture, seccompProgram } from './seccomp.ts'

/** What the kernel does with a program, for the instructions that ours is made of. */
const verdict = (architecture: Architecture, call: { arch?: number; number: number; args?: bigint[] }): string => {
  const program = Buffer.from(seccompProgram(architecture))
  const data = Buffer.alloc(64)
  data.writeUInt32LE(call.number, 0)
  data.writeUInt32LE(call.arch ?? arches[architecture], 4)
  for (const [index, arg] of (call.args ?? []).entries()) data.writeBigUInt64LE(arg, 16 + 8 * index)
  let loaded = 0
  for (let at = 0; at < program.length / 8; ) {
    const [code, value] = [program.readUInt16LE(at * 8), program.readUInt32LE(at * 8 + 4)]
    const tests: Record<number, boolean> = {
      21: loaded === value,
      53: loaded >= value,
      69: (loaded & value) !== 0,
    }
    if (code === 0x06) return answers[value] ?? `answer ${value}`
    if (code === 0x20) loaded = data.readUInt32LE(value)
    at += 1 + (code in tests ? program[at * 8 + (tests[code] ? 2 : 3)]! : 0)
  }
  return 'ran off the end'
}

const arches = { x64: 0xc000_003e, arm64: 0xc000_00b7 }
const answers: Record<number, string> = {
  2147418112: 'allow',
  2147483648: 'kill',
  327681: 'EPERM',
  327718: 'ENOSYS',
  327692: 'ENOMEM',
  327777: 'EAFNOSUPPORT',
}

describe.each([
  {
    architecture: 'x64' as const,
    read: 0,
    ptrace: 101,
    keyctl: 250,
    mount: 165,
    clone: 56,
    ioctl: 16,
    socket: 41,
    shmget: 29,
  },
  {
    architecture: 'arm64' as const,
    read: 63,
    ptrace: 117,
    keyctl: 219,
    mount: 40,
    clone: 220,
    ioctl: 29,
    socket: 198,
    shmget: 194,
  },
])('the filter for $architecture', ({ architecture, ...number }) => {
  const judge = (call: number, ...args: bigint[]): string => verdict(architecture, { number: call, args })

  test('lets ordinary calls pass', () => {
    expect(judge(number.read)).toBe('allow')
    expect(judge(number.clone, 0x0120_0011n)).toBe('allow')
    expect(judge(number.ioctl, 0n, 0x5401n)).toBe('allow')
    expect(judge(number.shmget, 0n, 56n)).toBe('allow')
    for (const family of [1n, 2n, 10n, 16n]) expect(judge(number.socket, family)).toBe('allow')
  })

  test('refuses tracing, keyrings, mounts and io_uring', () => {
    expect([judge(number.ptrace), judge(number.keyctl), judge(number.mount)]).toEqual(['EPERM', 'EPERM', 'EPERM'])
    expect([judge(425), judge(426), judge(427)]).toEqual(['ENOSYS', 'ENOSYS', 'ENOSYS'])
  })

  test('refuses every flag of clone that makes a namespace, and clone3, whose flags cannot be seen', () => {
    for (const bit of [17, 25, 26, 27, 28, 29, 30]) expect(judge(number.clone, 1n << BigInt(bit))).toBe('EPERM')
    expect(judge(435)).toBe('ENOSYS')
  })

  test('refuses terminal injection, whatever stands in the upper half of the argument', () => {
    expect(judge(number.ioctl, 0n, 0x5412n)).toBe('EPERM')
    expect(judge(number.ioctl, 0n, 0xffff_ffff_0000_5412n)).toBe('EPERM')
    expect(judge(number.ioctl, 0n, 0x541cn)).toBe('EPERM')
  })

  test('refuses sockets that reach past the network namespace', () => {
    for (const family of [17n, 38n, 40n]) expect(judge(number.socket, family)).toBe('EAFNOSUPPORT')
  })

  test('refuses large shared segments', () => {
    expect(judge(number.shmget, 0n, 1n << 20n)).toBe('ENOMEM')
    expect(judge(number.shmget, 0n, 1n << 32n)).toBe('ENOMEM')
  })

  test('kills what calls by the numbers of another processor', () => {
    expect(verdict(architecture, { arch: 0x4000_0003, number: number.read })).toBe('kill')
  })
})

test('the x32 numbers of x86-64 lead nowhere', () => {
  expect(verdict('x64', { number: 0x4000_0000 + 521 })).toBe('ENOSYS')
})
