/** Certificates of the configuration: the paths of their files, with the problems of what the files contain. */
import type { Problem } from '../core/errors.ts'
import { readFederationFiles } from './federation-files.ts'
import type { NodeFile } from './schema.ts'
import type { ValueSource } from './secret-value.ts'
import { readTlsFiles, type ReadTlsFiles, type TlsFiles, type TlsProblem } from './tls-files.ts'

interface Found {
  readonly problems: Problem[]
  readonly warnings: Problem[]
}

/** Adds the problems and warnings of the files. */
export function tlsFiles(
  key: readonly string[],
  written: TlsFiles | undefined,
  source: ValueSource,
  found: Found,
  read: (files: TlsFiles) => ReadTlsFiles = readTlsFiles,
): TlsFiles | undefined {
  if (written === undefined) return undefined
  const entries = Object.entries(written).map(([field, path]) => [
    field,
    source.resolve([...key, field], path as string),
  ])
  const files = Object.fromEntries(entries) as unknown as TlsFiles
  const { problems, warnings } = read(files)
  const placed = ({ field, message, hint }: TlsProblem) =>
    source.problemAt([...key, field], { message, hint })
  found.problems.push(...problems.map(placed))
  found.warnings.push(...warnings.map(placed))
  return files
}

/** Nodes of other sites present their certificate to the admin listener, which has to be TLS. */
export function federationTls(
  { federation, listen, site }: NodeFile,
  source: ValueSource,
  found: Found,
): TlsFiles | undefined {
  const key = ['federation', 'tls']
  const files = tlsFiles(key, federation.tls, source, found, (each) => readFederationFiles(each, site))
  if (files === undefined) return undefined
  if (listen.tls === undefined)
    found.problems.push(
      source.problemAt(key, {
        message:
          'federation.tls needs listen.tls: nodes of other sites present their certificates to the admin listener',
        hint: 'set listen.tls, or use federation.token',
      }),
    )
  return files
}
