/**
 * Which part of a file a request asks for (RFC 9110 §14).
 *
 * One range is understood, and every client asks for one. Several at once, other units, and what cannot be read
 * are passed over, as the RFC has it: then the answer is the whole file.
 */

/*
  Range      = "bytes=" ( first "-" [ last ] / "-" suffix-length )      last is inclusive
*/
export interface RequestedRange {
  readonly startByte: number
  /** The byte after the last one. */
  readonly endByte: number
}

/** `whole`: no range, or none that counts. `unsatisfiable`: it begins behind the end, a 416. */
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
