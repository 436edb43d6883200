/**
 * Maps errors of the S3 client to `OriginError`s with a message for the operator. The messages of stores and of the
 * SDK are not passed on: some contain the access key or the signed string.
 */
import { describeNetworkError } from '../core/network-errors.ts'
import { OriginError, type OriginErrorKind } from './origin-error.ts'
import { describeProxy } from './proxy-dispatcher.ts'
import type { S3Settings } from './s3-settings.ts'

/** Fields of the SDK's errors. Stores send the region as an element of the body, or as a header. */
interface S3Error extends Error {
  readonly code?: string
  readonly Region?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

export function toOriginError(label: string, error: unknown, settings: S3Settings): unknown {
  if (error instanceof OriginError) return error
  const { name, message, code = name, $metadata } = error as S3Error
  const statusCode = $metadata?.httpStatusCode
  const region = expectedRegion(error as S3Error)
  if (statusCode === undefined && KNOWN_ERRORS[name] === undefined) {
    // The SDK resolves the region on the first request, and its error for a missing one has no name.
    return message.startsWith('Region is missing')
      ? new OriginError('forbidden', `${label}: no region; set AWS_REGION`)
      : noResponse(label, error, settings)
  }
  const [kind, text] = KNOWN_ERRORS[name] ?? byStatus(statusCode)
  const codes = [statusCode, code].filter(Boolean).join(' ')
  return region === undefined
    ? new OriginError(kind, `${label}: ${text} (${codes})`)
    : new OriginError(
        'forbidden',
        `${label}: the bucket is in region ${region}; set AWS_REGION=${region} (${codes})`,
      )
}

function noResponse(
  label: string,
  error: unknown,
  { endpoint, region, environment }: S3Settings,
): OriginError {
  const store =
    endpoint === undefined ? `Amazon S3 in ${region ?? 'the region of the profile'}` : endpoint.origin
  const variable = endpoint === undefined ? 'AWS_REGION' : endpoint.variable
  const proxy = describeProxy(endpoint?.protocol ?? 'https:', environment)
  return new OriginError(
    'unreachable',
    `${label}: ${store} (${variable}): ${describeNetworkError(error, environment)}${proxy}`,
  )
}

/** The region that the store expects, for a request that was signed for another one. */
function expectedRegion({ name, message, Region: region, $response }: S3Error): string | undefined {
  if (!WRONG_REGION.includes(name)) return undefined
  const named =
    region ?? $response?.headers?.['x-amz-bucket-region'] ?? /expecting '([^']*)'/.exec(message)?.[1]
  return typeof named === 'string' && /^[a-z0-9-]{1,40}$/i.test(named) ? named : undefined
}

const WRONG_REGION: readonly string[] = [
  'AuthorizationHeaderMalformed',
  'PermanentRedirect',
  'IllegalLocationConstraintException',
  'InvalidRegion',
  '301',
]

type Explanation = readonly [OriginErrorKind, string]

const WRONG_KEY = 'the store rejects the credentials; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
const NO_KEY = 'no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE'
const WRONG_SIGNATURE = 'the store rejects the signature; check AWS_REGION and the credentials'
const OTHER_ENDPOINT = 'the bucket has another endpoint; check AWS_REGION and AWS_ENDPOINT_URL'
const EXPIRED = 'the credentials have expired; renew them'

const KNOWN_ERRORS: Readonly<Record<string, Explanation>> = {
  NoSuchKey: ['missing', 'no object has this key; check it, and end it with / for a folder'],
  NoSuchBucket: ['missing', 'the bucket does not exist; check its name'],
  AuthorizationHeaderMalformed: ['forbidden', WRONG_SIGNATURE],
  PermanentRedirect: ['forbidden', OTHER_ENDPOINT],
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

function byStatus(statusCode = 0): Explanation {
  const code = {
    301: 'PermanentRedirect',
    401: 'AccessDenied',
    403: 'AccessDenied',
    404: 'NoSuchKey',
    412: 'PreconditionFailed',
  }[statusCode]
  const known = KNOWN_ERRORS[code ?? '']
  if (known !== undefined) return known
  return statusCode >= 500 || statusCode === 429
    ? ['unreachable', 'server error of the store; try again later']
    : ['unusable', 'the store refused the request']
}
