/** What the file system refused, for people. */
import { OriginError, type OriginTrouble } from './origin-error.ts'

/** An `OriginError` where the file system says what it is; anything else as it was. */
export function explainFileError(path: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  const known = TROUBLES[code]
  if (known === undefined) return error
  return new OriginError(known[0], `cannot read ${path}: ${known[1]}`)
}

const TROUBLES: Readonly<Record<string, readonly [OriginTrouble, string]>> = {
  ENOENT: ['missing', 'no such file or folder; check the spelling'],
  ENOTDIR: ['missing', 'a part of the path is a file and no folder; check the spelling'],
  ELOOP: ['unusable', 'a symbolic link that leads to itself; remove it'],
  ENAMETOOLONG: ['missing', 'the name is too long for this file system'],
  EACCES: ['forbidden', 'permission denied; ask its owner'],
  EPERM: ['forbidden', 'permission denied; ask its owner'],
  EIO: ['unreachable', 'the disk or network share failed; look at the system log'],
  ESTALE: ['changed', 'the network share replaced it; begin again'],
  EMFILE: ['unreachable', 'too many files are open; raise the limit (ulimit -n)'],
}
