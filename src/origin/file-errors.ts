/** Maps errors of the file system to `OriginError`s with a message for the operator. */
import { OriginError, type OriginErrorKind } from './origin-error.ts'

/** Returns an `OriginError` for an error of the system, and any other error unchanged. */
export function toOriginError(path: string, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException
  const known = KNOWN_ERRORS[code ?? '']
  if (known !== undefined) return new OriginError(known[0], `cannot read ${path}: ${known[1]}`)
  if (code === undefined || syscall === undefined) return error
  return new OriginError(
    'unreachable',
    `cannot read ${path}: ${syscall} failed (${code}); see the system log`,
  )
}

const KNOWN_ERRORS: Readonly<Record<string, readonly [OriginErrorKind, string]>> = {
  ENOENT: ['missing', 'no such file or folder; check the spelling'],
  ENOTDIR: ['missing', 'a part of the path is a file, not a folder; check the spelling'],
  ELOOP: ['unusable', 'the symbolic link points to itself; remove it'],
  ENAMETOOLONG: ['missing', 'the name is too long for this file system'],
  EACCES: ['forbidden', 'permission denied; check the permissions of the file and of the folders above it'],
  EPERM: ['forbidden', 'permission denied; check the permissions of the file and of the folders above it'],
  EIO: ['unreachable', 'the disk or network share failed; see the system log'],
  ESTALE: ['changed', 'the network share replaced the file; try again'],
  EMFILE: ['unreachable', 'too many open files; raise the limit (ulimit -n)'],
}
