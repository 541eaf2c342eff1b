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

/**
 * `bash` with arguments such that it sets the limits on itself and runs the program. Inside the sandbox, because processes
 * are counted per user namespace there: outside, all runs of one uid would share a count. A limit that is already lower
 * stays lower, so a failing `ulimit` fails closed. `oom_score_adj` makes the kernel choose the sandbox before the worker.
 *
 * `stays`: this bash is the init of the sandbox, takes in processes whose parents have ended, and ends with the program;
 * what it has to say of how that ended goes nowhere. Otherwise it becomes the program.
 */
export const limitedCommand = (
  limits: SandboxLimits,
  program: string[],
  { joinErrors, stays }: { joinErrors: boolean; stays: boolean },
): string[] => {
  const errors = joinErrors ? ' 2>&1' : ''
  const run = stays ? `{ "$@"${errors}; } 2>${joinErrors ? '/dev/null' : '&2'}; exit $?` : `exec "$@"${errors}`
  return ['/bin/bash', '-c', `${prelude(limits)}; ${run}`, 'sandbox', ...program]
}

const prelude = (limits: SandboxLimits): string =>
  [
    `for limit in ${shellLimits(limits)}; do ulimit "-${'${limit%%=*}'}" "${'${limit#*=}'}" 2>/dev/null; done`,
    'echo 1000 2>/dev/null >/proc/self/oom_score_adj',
    'umask 022',
  ].join('; ')

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
