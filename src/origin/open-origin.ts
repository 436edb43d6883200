/** Opens the origin that a path or URL refers to. */
import { openFileOrigin } from './file-origin.ts'
import type { Origin } from './origin.ts'
import { OriginError } from './origin-error.ts'

export interface OpenOptions {
  /** Source of the S3 credentials and endpoint: the variables of the AWS tools. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  /** Every byte will be read once and in order, so an HTTP server without ranges is acceptable. */
  readonly isReadOnce?: boolean
}

/** Rejects with an `OriginError`. The caller closes the origin. */
export async function openOrigin(reference: string, options: OpenOptions): Promise<Origin> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(reference)?.[1]?.toLowerCase()
  switch (scheme) {
    case undefined:
    case 'file':
      return openFileOrigin(reference, options.signal)
    case 'http':
    case 'https': {
      const { openHttpOrigin } = await import('./http-origin.ts')
      return openHttpOrigin(reference, options)
    }
    case 's3': {
      const { openS3Origin } = await import('./s3-origin.ts')
      return openS3Origin(reference, options)
    }
    default:
      throw new OriginError(
        'unusable',
        `${scheme}:// is not a supported source; give a file, a folder, http(s)://… or s3://bucket/key`,
      )
  }
}
