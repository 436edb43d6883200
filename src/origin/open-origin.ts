/** From what a person wrote, a path or a URL, to the origin that it names. */
import { openFileOrigin } from './file-origin.ts'
import type { Origin } from './origin.ts'
import { OriginError } from './origin-error.ts'

export interface OpenOptions {
  /** Where credentials and the S3 endpoint come from: variables as the AWS tools know them. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  /** Every byte will be read once and in order: then an HTTP server without ranges does as well. */
  readonly isReadOnce?: boolean
}

/** Rejects with an `OriginError`. What is opened here must be closed. */
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
        `${scheme}:// is no source of content; name a file, a folder, http(s)://… or s3://bucket/key`,
      )
  }
}
