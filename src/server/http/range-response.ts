/** Status and headers of an answer that carries content, and which part of the file it carries (RFC 9110 §14, §15). */
import type { IncomingMessage } from 'node:http'
import { readRangeHeader, type RequestedRange } from './byte-range.ts'

export interface ContentHead {
  readonly status: 200 | 206 | 416
  readonly headers: Readonly<Record<string, string | number>>
  /** Nothing of it with a 416. */
  readonly range: RequestedRange
}

/** `etag` names the version of the file, with its quotes; every byte of it depends on nothing else. */
export function contentHead(
  { method, headers }: Pick<IncomingMessage, 'method' | 'headers'>,
  file: { readonly sizeBytes: number; readonly etag: string },
): ContentHead {
  const { sizeBytes, etag } = file
  const ifRange = headers['if-range']
  // Ranges are for GET alone, and with If-Range for this version alone; we know no dates.
  const isRangeMeant = method === 'GET' && (ifRange === undefined || ifRange === etag)
  const range = isRangeMeant ? readRangeHeader(headers.range, sizeBytes) : 'whole'
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
      // A cache in between would serve hosts whom the tracker sends to each other.
      'Cache-Control': 'private, no-store',
      ETag: etag,
      ...(range === 'whole' ? {} : { 'Content-Range': `bytes ${startByte}-${endByte - 1}/${sizeBytes}` }),
    },
    range: { startByte, endByte },
  }
}
