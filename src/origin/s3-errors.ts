/**
 * Maps errors of the S3 client to `OriginError`s with a message for the operator. The messages of stores and of the
 * SDK are not passed on: some contain the access key or the signed string.
 */
import { OriginError, type OriginErrorKind } from './origin-error.ts'

export function toOriginError(label: string, error: unknown): unknown {
  if (error instanceof OriginError) return error
  const { name = '', $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } }
  const statusCode = $metadata?.httpStatusCode
  // The SDK resolves the region on the first request, and its error for a missing one has no name.
  const isWithoutRegion = statusCode === undefined && (error as Error).message.startsWith('Region is missing')
  const [kind, text] = isWithoutRegion
    ? NO_REGION
    : (KNOWN_ERRORS[name] ?? byStatus(statusCode) ?? NO_RESPONSE)
  const code = (error as NodeJS.ErrnoException).code ?? name
  return new OriginError(kind, `${label}: ${text} (${[statusCode, code].filter(Boolean).join(' ')})`)
}

type Explanation = readonly [OriginErrorKind, string]

const NO_RESPONSE: Explanation = [
  'unreachable',
  'the store does not respond; check AWS_ENDPOINT_URL and AWS_REGION',
]
const WRONG_KEY = 'the store rejects the credentials; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
const NO_KEY = 'no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE'
const NO_REGION: Explanation = ['forbidden', 'no region; set AWS_REGION']
const EXPIRED = 'the credentials have expired; renew them'

const KNOWN_ERRORS: Readonly<Record<string, Explanation>> = {
  NoSuchKey: ['missing', 'no object has this key; check it, and end it with / for a folder'],
  NoSuchBucket: ['missing', 'the bucket does not exist; check its name'],
  AccessDenied: [
    'forbidden',
    'permission denied; the credentials need s3:GetObject, and s3:ListBucket for a folder',
  ],
  InvalidAccessKeyId: ['forbidden', WRONG_KEY],
  SignatureDoesNotMatch: ['forbidden', WRONG_KEY],
  ExpiredToken: ['forbidden', EXPIRED],
  TokenRefreshRequired: ['forbidden', EXPIRED],
  CredentialsProviderError: ['forbidden', NO_KEY],
  RequestTimeTooSkewed: [
    'forbidden',
    'the store rejects signatures of this machine because its clock is wrong; set the clock',
  ],
  PreconditionFailed: ['changed', 'it changed while it was being read; try again when it is complete'],
  InvalidRange: ['unusable', 'the object is empty or became shorter'],
  InvalidObjectState: ['unusable', 'the object is archived; restore it first'],
  SlowDown: ['unreachable', 'the store is overloaded; try again later'],
}

function byStatus(statusCode: number | undefined): Explanation | undefined {
  if (statusCode === 404) return KNOWN_ERRORS['NoSuchKey']
  if (statusCode === 401 || statusCode === 403) return KNOWN_ERRORS['AccessDenied']
  if (statusCode === 412) return KNOWN_ERRORS['PreconditionFailed']
  if (statusCode === undefined) return undefined
  return statusCode >= 500 || statusCode === 429
    ? ['unreachable', 'server error of the store; try again later']
    : ['unusable', 'the store refused the request']
}
