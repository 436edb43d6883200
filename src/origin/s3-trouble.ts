/**
 * What a store refused, for people. The texts of stores and of the SDK are not passed on: some repeat the access
 * key, or what was signed.
 */
import { OriginError, type OriginTrouble } from './origin-error.ts'

export function explainS3Error(label: string, error: unknown): unknown {
  if (error instanceof OriginError) return error
  const { name = '', $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } }
  const statusCode = $metadata?.httpStatusCode
  // The SDK asks the environment for a region only when it needs one, and has no name for that error.
  const isWithoutRegion = statusCode === undefined && (error as Error).message.startsWith('Region is missing')
  const [trouble, text] = isWithoutRegion ? NO_REGION : (TROUBLES[name] ?? byStatus(statusCode) ?? NO_ANSWER)
  const code = (error as NodeJS.ErrnoException).code ?? name
  return new OriginError(trouble, `${label}: ${text} (${[statusCode, code].filter(Boolean).join(' ')})`)
}

type Explanation = readonly [OriginTrouble, string]

const NO_ANSWER: Explanation = [
  'unreachable',
  'the store does not answer; check AWS_ENDPOINT_URL and AWS_REGION',
]
const WRONG_KEY = 'the store does not accept the credentials; check AWS_ACCESS_KEY_ID and its secret'
const NO_KEY = 'there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE'
const NO_REGION: Explanation = ['forbidden', 'the region is not known; set AWS_REGION']
const EXPIRED = 'the credentials have expired; renew them'

const TROUBLES: Readonly<Record<string, Explanation>> = {
  NoSuchKey: ['missing', 'there is no such object; check the key, and end it with / for a folder'],
  NoSuchBucket: ['missing', 'there is no such bucket'],
  AccessDenied: [
    'forbidden',
    'permission denied; the credentials need s3:GetObject, and s3:ListBucket for a folder',
  ],
  InvalidAccessKeyId: ['forbidden', WRONG_KEY],
  SignatureDoesNotMatch: ['forbidden', WRONG_KEY],
  ExpiredToken: ['forbidden', EXPIRED],
  TokenRefreshRequired: ['forbidden', EXPIRED],
  CredentialsProviderError: ['forbidden', NO_KEY],
  RequestTimeTooSkewed: ['forbidden', "this machine's clock is wrong, so the store refuses what it signs"],
  PreconditionFailed: ['changed', 'it was changed while it was read; begin again when it is complete'],
  InvalidRange: ['unusable', 'it is empty, or shorter than it was'],
  InvalidObjectState: ['unusable', 'it is in an archive; restore it first'],
  SlowDown: ['unreachable', 'the store is overloaded; try later'],
}

function byStatus(statusCode: number | undefined): Explanation | undefined {
  if (statusCode === 404) return TROUBLES['NoSuchKey']
  if (statusCode === 401 || statusCode === 403) return TROUBLES['AccessDenied']
  if (statusCode === 412) return TROUBLES['PreconditionFailed']
  if (statusCode === undefined) return undefined
  return statusCode >= 500 || statusCode === 429
    ? ['unreachable', 'the store is in trouble; try later']
    : ['unusable', 'the store refused the request']
}
