/** The fields of `sandbox` in the configuration that bound a command; `config.sandbox` fits as it is. */
export type SandboxLimits = {
  /** Of a whole process tree, what it keeps in memory-backed file systems included. Measured, ten to fifty times a second. */
  memory_mb: number
  processes: number
  /** Of one process. A command as a whole is bounded by its timeout. */
  cpu_seconds: number
  /** Of one file. */
  file_mb: number
  open_files: number
  output_kb: number
}

/** A text for bash, or a program with its arguments. */
export type Executable = { script: string } | { program: string[] }

/**
 * `bash` with arguments such that it sets the limits on itself and then becomes what is to run. Inside the sandbox, because
 * processes are counted per user namespace there: outside, all runs of one uid would share a count. A limit that is already
 * lower stays lower, so a failing `ulimit` fails closed. `oom_score_adj` makes the kernel choose the sandbox before the
 * worker. A script follows on the next line of the same shell, which by then has done all of the line before.
 */
export const limitedCommand = (limits: SandboxLimits, executable: Executable, joinErrors: boolean): string[] => {
  const prelude = [
    `for limit in ${shellLimits(limits)}; do ulimit "-${'${limit%%=*}'}" "${'${limit#*=}'}" 2>/dev/null; done`,
    'unset limit',
    'echo 1000 2>/dev/null >/proc/self/oom_score_adj',
    'umask 022',
    ...(joinErrors ? ['exec 2>&1'] : []),
  ].join('; ')
  return 'script' in executable
    ? ['/bin/bash', '-c', `${prelude}\n${executable.script}`]
    : ['/bin/bash', '-c', `${prelude}; exec "$@"`, 'bash', ...executable.program]
}

/**
 * In the units of bash's `ulimit`: kilobytes for -d and -f. Core files are off. The address space is not limited (Node
 * reserves terabytes for WebAssembly), and writable memory only far above what is meant, since an idle Node has 0.6 GB of
 * it mapped and every worker thread another 0.5: it stops what is absurd, between two looks at what is really held.
 */
const shellLimits = (limits: SandboxLimits): string =>
  Object.entries({
    c: 0,
    n: limits.open_files,
    u: limits.processes,
    t: limits.cpu_seconds,
    f: limits.file_mb * 1024,
    d: (limits.memory_mb * 4 + 16_384) * 1024,
    l: 64,
  })
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
