/**
 * Properties of the object in an HTTP response: size, range, and what identifies the content.
 *
 * The ETag identifies the content. Mirrors behind one URL have the same file with different ETags, which they derive
 * from inodes or from the configuration. Responses that differ in ETag are of the same content if they agree in size
 * and Last-Modified, and the object was not modified in the minute before: a later change then has a later date
 * (RFC 9110 §8.8.2.2).
 */
import { appliedCoding } from './content-encoding.ts'
import { type HttpResponse, REDIRECT_STATUSES, tooManyRedirects } from './http-source.ts'
import { OriginError } from './origin-error.ts'

export interface ObjectProperties {
  readonly hasRanges: boolean
  /** First byte of the range in the response. */
  readonly startByte: number
  readonly sizeBytes: number
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  /** The date identifies the content: it was at least a minute old at the time of the response. */
  readonly isDateStrong: boolean
  /** URL of the response after redirects. */
  readonly url: string
}

/** Throws an `OriginError` for every status except 206 and, from a server without ranges, 200. */
export function readProperties(response: HttpResponse): ObjectProperties {
  const { statusCode, headers, label, url } = response
  const header = (name: string) => {
    const value = headers[name]
    return typeof value === 'string' ? value : undefined
  }
  // The first byte of an empty object is an unsatisfiable range.
  if (statusCode === 416 || (statusCode === 200 && header('content-length') === '0'))
    throw new OriginError('unusable', `${label} is empty; there is nothing to distribute`)
  if (statusCode !== 200 && statusCode !== 206) throw refused(label, statusCode)
  const coding = appliedCoding(headerList(headers['content-encoding']), [label, url])
  if (coding !== undefined) {
    throw new OriginError(
      'unusable',
      `${label}: the server sends it with Content-Encoding ${coding}, although identity was requested; ` +
        'turn compression off for it, or download the file and publish that',
    )
  }
  const hasRanges = statusCode === 206
  const range = hasRanges
    ? /^bytes (\d+)-\d+\/(\d+)$/i.exec(header('content-range') ?? '')
    : /^()(\d+)$/.exec(header('content-length') ?? '')
  if (range === null)
    throw new OriginError(
      'unusable',
      `${label}: the server sends no size; download the file and publish that`,
    )
  const lastModified = header('last-modified')
  return {
    hasRanges,
    startByte: Number(range[1]),
    sizeBytes: Number(range[2]),
    etag: header('etag'),
    lastModified,
    isDateStrong: Date.parse(header('date') ?? '') - Date.parse(lastModified ?? '') >= DATE_STRONG_MS,
    url,
  }
}

/** Reports whether a later response is of the content that `opened` describes. */
export function isSameContent(opened: ObjectProperties, received: ObjectProperties): boolean {
  if (opened.sizeBytes !== received.sizeBytes) return false
  if (opened.etag !== undefined && opened.etag === received.etag) return true
  if (opened.lastModified === undefined || opened.lastModified !== received.lastModified) return false
  return opened.isDateStrong || (opened.etag === undefined && received.etag === undefined)
}

/** The error for a response of other content. */
export function changedError(
  label: string,
  opened?: ObjectProperties,
  received?: ObjectProperties,
): OriginError {
  if (opened === undefined || received === undefined || opened.url === received.url)
    return new OriginError(
      'changed',
      `${label} changed while it was being read; try again when it is complete`,
    )
  return new OriginError(
    'changed',
    `${label} leads to servers with different content: ${opened.url} (${identityOf(opened)}) and ` +
      `${received.url} (${identityOf(received)}); use the URL of one of them, or try again when all have the same`,
  )
}

/**
 * A weak ETag never matches If-Match (RFC 9110 §13.1.1). Dates have a resolution of one second. `isEtagStable`:
 * no response had another ETag so far.
 */
export function preconditionOf(
  { etag, lastModified }: ObjectProperties,
  isEtagStable: boolean,
): Readonly<Record<string, string>> {
  if (isEtagStable && etag?.startsWith('"') === true) return { 'if-match': etag }
  return lastModified === undefined ? {} : { 'if-unmodified-since': lastModified }
}

/** Identifies the content across restarts. */
export function tagOf({ etag, lastModified, sizeBytes }: ObjectProperties): string {
  return `${etag ?? lastModified}-${sizeBytes}`
}

function identityOf({ sizeBytes, etag, lastModified }: ObjectProperties): string {
  return [`${sizeBytes} bytes`, etag, lastModified].filter((each) => each !== undefined).join(', ')
}

/** Repeated fields form one list. */
function headerList(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}

function refused(label: string, statusCode: number): OriginError {
  if (REDIRECT_STATUSES.includes(statusCode)) return tooManyRedirects(label)
  const [kind, text] = STATUSES[statusCode] ?? (statusCode >= 500 ? SERVER_ERROR : OTHER)
  return new OriginError(kind, `${label}: ${text.replace('STATUS', String(statusCode))}`)
}

type Explanation = readonly [OriginError['kind'], string]

const NOT_FOUND: Explanation = ['missing', 'not found (STATUS); check the URL']
const DENIED: Explanation = [
  'forbidden',
  'permission denied (STATUS); the URL may contain a user and password',
]
const SERVER_ERROR: Explanation = ['unreachable', 'server error (STATUS); try again later']
const OTHER: Explanation = ['unusable', 'the server returned STATUS instead of the content']

const STATUSES: Readonly<Record<number, Explanation>> = {
  401: DENIED,
  403: DENIED,
  404: NOT_FOUND,
  406: ['unusable', 'the server sends it only compressed (STATUS); download the file and publish that'],
  407: ['forbidden', 'the proxy requires a user and password (STATUS); write them in the URL of the proxy'],
  410: NOT_FOUND,
  429: SERVER_ERROR,
}

/** The clocks that set Last-Modified and Date may differ. */
const DATE_STRONG_MS = 60_000
