/**
 * Range requests (RFC 9110 §14): the requested part of a file, and the status and headers of the response.
 *
 * One range is supported; no client requests more. Several ranges, other units and malformed headers are ignored, as the
 * RFC requires: the response is then the whole file.
 */
import type { IncomingMessage } from 'node:http'

export interface ContentHead {
  readonly status: 200 | 206 | 416
  readonly headers: Readonly<Record<string, string | number>>
  /** Empty with a 416. */
  readonly range: RequestedRange
}

/** `etag` identifies the bytes of the file, with its quotes. */
export function contentHead(
  { method, headers }: Pick<IncomingMessage, 'method' | 'headers'>,
  file: { readonly sizeBytes: number; readonly etag: string },
): ContentHead {
  const { sizeBytes, etag } = file
  const ifRange = headers['if-range']
  // Ranges apply to GET only, and with If-Range to this version only; there are no dates to compare.
  const isRangeUsed = method === 'GET' && (ifRange === undefined || ifRange === etag)
  const range = isRangeUsed ? readRangeHeader(headers.range, sizeBytes) : 'whole'
  if (range === 'unsatisfiable') {
    return {
      status: 416,
      headers: { 'Accept-Ranges': 'bytes', 'Content-Range': `bytes */${sizeBytes}` },
      range: { startByte: 0, endByte: 0 },
    }
  }
  const { startByte, endByte } = range === 'whole' ? { startByte: 0, endByte: sizeBytes } : range
  return {
    status: range === 'whole' ? 200 : 206,
    headers: {
      'Content-Type': 'application/octet-stream',
      'Content-Length': endByte - startByte,
      'Accept-Ranges': 'bytes',
      // A shared cache would serve the hosts that the tracker directs to each other.
      'Cache-Control': 'private, no-store',
      ETag: etag,
      ...(range === 'whole' ? {} : { 'Content-Range': `bytes ${startByte}-${endByte - 1}/${sizeBytes}` }),
    },
    range: { startByte, endByte },
  }
}

/*
  Range      = "bytes=" ( first "-" [ last ] / "-" suffix-length )      last is inclusive
*/
export interface RequestedRange {
  readonly startByte: number
  /** The byte after the last one. */
  readonly endByte: number
}

/** `whole`: no range, or an unsupported one. `unsatisfiable`: the range begins after the end, which is a 416. */
export function readRangeHeader(
  header: string | undefined,
  sizeBytes: number,
): RequestedRange | 'whole' | 'unsatisfiable' {
  const match = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? '')
  if (match === null) return 'whole'
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return 'whole'
  if (first === '') {
    const suffix = Math.min(Number(last), sizeBytes)
    return suffix === 0 ? 'unsatisfiable' : { startByte: sizeBytes - suffix, endByte: sizeBytes }
  }
  const startByte = Number(first)
  if (last !== '' && Number(last) < startByte) return 'whole'
  if (startByte >= sizeBytes) return 'unsatisfiable'
  return { startByte, endByte: last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes) }
}
