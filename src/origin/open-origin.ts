/** Opens the origin that a path or URL refers to. */
import { openFileOrigin } from './file-origin.ts'
import type { OpenOptions, Origin } from './origin.ts'
import { OriginError } from './origin-error.ts'

/** Rejects with an `OriginError`. The caller closes the origin. */
export async function openOrigin(reference: string, options: OpenOptions): Promise<Origin> {
  // An unset variable of a script: as a path it would be the working directory.
  if (reference.trim() === '')
    throw new OriginError('unusable', 'the source is empty; name a file, a folder or a URL')
  switch (schemeOf(reference)) {
    case undefined:
    case 'file':
      return openFileOrigin(reference, options)
    case 'http':
    case 'https': {
      const { openHttpOrigin } = await import('./http-origin.ts')
      return openHttpOrigin(reference, options)
    }
    case 's3': {
      const { openS3Origin } = await import('./s3-origin.ts').catch(explainMissingPackage)
      return openS3Origin(reference, options)
    }
    default:
      throw new OriginError(
        'unusable',
        `${schemeOf(reference)}:// is not a supported source; give a file, a folder, http(s)://… or s3://bucket/key`,
      )
  }
}

/** A name may contain a colon, so a text without `//` is a path, unless it begins with a scheme that is known here. */
function schemeOf(reference: string): string | undefined {
  const [, scheme, slashes] = /^([a-z][a-z0-9+.-]*):(\/\/)?/i.exec(reference.toLowerCase()) ?? []
  return slashes !== undefined || ['file', 'http', 'https', 's3'].includes(scheme ?? '') ? scheme : undefined
}

/** The S3 client is an optional dependency: 26 packages that only s3:// sources need. */
function explainMissingPackage(error: unknown): never {
  const { code, message } = error as NodeJS.ErrnoException
  if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes('@aws-sdk')) throw error
  throw new OriginError(
    'unusable',
    's3:// sources need the package @aws-sdk/client-s3, an optional dependency; install it beside siteswarm',
  )
}
