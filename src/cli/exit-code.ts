/** 0 done, 1 the run failed, 2 the call was wrong, 3 configuration. */
export type ExitCode = 0 | 1 | 2 | 3
