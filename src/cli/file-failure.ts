import { dirname } from 'node:path'
import { type Failure, failureOf } from '../domain/errors.ts'

/** What the operating system says of a place where it lets us not work, in words. */
const sentences: Record<string, (path: string) => string> = {
  EACCES: (path) => `${path} may not be read or written by this user.`,
  EPERM: (path) => `${path} may not be read or written by this user.`,
  EROFS: (path) => `${path} is on a file system that cannot be written.`,
  ENOSPC: (path) => `There is no room left on the disk for ${path}.`,
  EEXIST: (path) => `${path} should be a folder, and is something else.`,
  ENOTDIR: (path) => `${dirname(path)} should be a folder, and is something else.`,
  ENOENT: (path) => `${path} is not there, and cannot be made there.`,
}

/**
 * A failure of the file system that nobody has put into words before: the data folder, or one for temporary files, is not
 * as this process needs it. That is the installation's, and no defect of ours with a stack. Any other error as it is.
 */
export const fileFailure = (error: unknown): Failure => {
  const failure = failureOf(error)
  const { code, path } = (error ?? {}) as NodeJS.ErrnoException
  if (failure.code !== 'internal' || code === undefined || path === undefined) return failure
  const sentence = Object.hasOwn(sentences, code) ? sentences[code] : undefined
  if (sentence === undefined) return failure
  return {
    code: 'invalid_configuration',
    message: sentence(path),
    nextAction: 'Mend that, or name another folder: JOURNEYMAN_DATA_DIR for what is kept, TMPDIR for what is not.',
  }
}
