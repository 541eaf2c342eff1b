/**
 * The system calls that namespaces leave open, as a classic BPF program. It is built here as bytes, since the compilers
 * for it are C libraries. Deny-list: the namespaces, the missing capabilities and the read-only root are the boundary;
 * this closes the doors of the kernel that a build or a test has no use for.
 */
export type Architecture = 'x64' | 'arm64'

export const isFilteredArchitecture = (name: string): name is Architecture => name === 'x64' || name === 'arm64'

/** The program for `bwrap --seccomp`. */
export const seccompProgram = (architecture: Architecture): Uint8Array => {
  const column = architecture === 'x64' ? 0 : 1
  const program: Instruction[] = [
    load(archOffset),
    jump(equal, auditArch[architecture], 1, 0),
    answer(killProcess),
    load(numberOffset),
    // The x32 calls of x86-64 have numbers of their own, and would pass every line below.
    ...(architecture === 'x64' ? [jump(greaterOrEqual, 0x4000_0000, 0, 1), answer(errno.ENOSYS)] : []),
    ...Object.entries(refused).flatMap(([code, calls]) =>
      Object.values(calls).flatMap((numbers) => {
        const number = numbers[column] ?? null
        return number === null ? [] : [jump(equal, number, 0, 1), answer(errno[code as keyof typeof refused])]
      }),
    ),
    ...guarded(inspected.clone[column], [load(argument(0)), jump(anyBit, namespaceFlags, 0, 1), answer(errno.EPERM)]),
    ...guarded(inspected.ioctl[column], [
      load(argument(1)),
      jump(equal, terminalInjection, 1, 0),
      jump(equal, consoleInjection, 0, 1),
      answer(errno.EPERM),
    ]),
    ...guarded(inspected.socket[column], [
      load(argument(0)),
      ...socketFamilies.map((family, index) => jump(equal, family, socketFamilies.length - index, 0)),
      answer(errno.EAFNOSUPPORT),
    ]),
    ...guarded(inspected.shmget[column], [
      load(argument(1) + 4),
      jump(equal, 0, 0, 2),
      load(argument(1)),
      jump(greaterOrEqual, sharedSegmentBytes + 1, 0, 1),
      answer(errno.ENOMEM),
    ]),
    answer(allow),
  ]
  return bytesOf(program)
}

/** By the error they answer; the numbers are those of x86-64 and of arm64, null where there is no such call. */
const refused = {
  EPERM: {
    ptrace: [101, 117],
    process_vm_readv: [310, 270],
    process_vm_writev: [311, 271],
    process_madvise: [440, 440],
    pidfd_getfd: [438, 438],
    kcmp: [312, 272],
    add_key: [248, 217],
    request_key: [249, 218],
    keyctl: [250, 219],
    bpf: [321, 280],
    perf_event_open: [298, 241],
    userfaultfd: [323, 282],
    kexec_load: [246, 104],
    kexec_file_load: [320, 294],
    init_module: [175, 105],
    finit_module: [313, 273],
    delete_module: [176, 106],
    mount: [165, 40],
    umount2: [166, 39],
    pivot_root: [155, 41],
    chroot: [161, 51],
    open_tree: [428, 428],
    open_tree_attr: [467, 467],
    move_mount: [429, 429],
    fsopen: [430, 430],
    fsconfig: [431, 431],
    fsmount: [432, 432],
    fspick: [433, 433],
    mount_setattr: [442, 442],
    unshare: [272, 97],
    setns: [308, 268],
    name_to_handle_at: [303, 264],
    open_by_handle_at: [304, 265],
    fanotify_init: [300, 262],
    quotactl: [179, 60],
    quotactl_fd: [443, 443],
    swapon: [167, 224],
    swapoff: [168, 225],
    reboot: [169, 142],
    acct: [163, 89],
    syslog: [103, 116],
    settimeofday: [164, 170],
    clock_settime: [227, 112],
    adjtimex: [159, 171],
    clock_adjtime: [305, 266],
    move_pages: [279, 239],
    migrate_pages: [256, 238],
    lookup_dcookie: [212, 18],
    iopl: [172, null],
    ioperm: [173, null],
    modify_ldt: [154, null],
  },
  // "There is no such call" sends a program to its older way. clone3 keeps its flags in memory, where no filter can look;
  // a memfd is memory that no limit of a process counts.
  ENOSYS: {
    io_uring_setup: [425, 425],
    io_uring_enter: [426, 426],
    io_uring_register: [427, 427],
    clone3: [435, 435],
    memfd_create: [319, 279],
    memfd_secret: [447, 447],
  },
} as const satisfies Record<string, Record<string, readonly [number | null, number | null]>>

/** These are judged by their arguments. */
const inspected = { clone: [56, 220], ioctl: [16, 29], socket: [41, 198], shmget: [29, 194] } as const

/** CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID and NET. */
const namespaceFlags = 0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000
const terminalInjection = 0x5412 // TIOCSTI
const consoleInjection = 0x541c // TIOCLINUX
/** Unix, IPv4, IPv6, netlink. Others, vsock above all, reach past a network namespace. */
const socketFamilies = [1, 2, 10, 16]
/** Enough for PostgreSQL's interlock; a segment outlives its process, so that no limit of a process counts it. */
const sharedSegmentBytes = 65_536

const auditArch: Record<Architecture, number> = { x64: 0xc000_003e, arm64: 0xc000_00b7 }
const allow = 0x7fff_0000
const killProcess = 0x8000_0000
const errno = {
  EPERM: 0x0005_0000 | 1,
  ENOMEM: 0x0005_0000 | 12,
  ENOSYS: 0x0005_0000 | 38,
  EAFNOSUPPORT: 0x0005_0000 | 97,
} as const

/** Offsets in the kernel's `struct seccomp_data`, little-endian. */
const numberOffset = 0
const archOffset = 4
const argument = (index: number): number => 16 + 8 * index

const equal = 0x15
const greaterOrEqual = 0x35
const anyBit = 0x45

type Instruction = { code: number; whenTrue: number; whenFalse: number; value: number }

const load = (offset: number): Instruction => ({ code: 0x20, whenTrue: 0, whenFalse: 0, value: offset })
const answer = (value: number): Instruction => ({ code: 0x06, whenTrue: 0, whenFalse: 0, value })
/** The jumps count instructions to skip. */
const jump = (code: number, value: number, whenTrue: number, whenFalse: number): Instruction => ({
  code,
  whenTrue,
  whenFalse,
  value,
})

/** Runs the rules for one call only; what they do not answer is allowed, since the call's number is no longer loaded. */
const guarded = (number: number, rules: Instruction[]): Instruction[] => [
  jump(equal, number, 0, rules.length + 1),
  ...rules,
  answer(allow),
]

/** `struct sock_filter`: two bytes of code, two of jumps, four of value. */
const bytesOf = (program: Instruction[]): Uint8Array => {
  const bytes = new DataView(new ArrayBuffer(program.length * 8))
  program.forEach((instruction, index) => {
    bytes.setUint16(index * 8, instruction.code, true)
    bytes.setUint8(index * 8 + 2, instruction.whenTrue)
    bytes.setUint8(index * 8 + 3, instruction.whenFalse)
    bytes.setUint32(index * 8 + 4, instruction.value >>> 0, true)
  })
  return new Uint8Array(bytes.buffer)
}
