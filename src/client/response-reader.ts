/**
 * Response of a tracker, read as strictly as by the strictest client, with a warning for each property that some client
 * rejects: one client accepts it, another treats it as a failure, and an operator cannot test all of them.
 */
import { BencodeScanner } from '../bencode/scanner.ts'
import { encodingProblemTexts } from '../bencode/encoding-problem.ts'
import { type BencodeValue, dictionaryEntries, integerOf, textOf } from '../bencode/value.ts'
import { InputError } from '../core/errors.ts'
import { quoteForReason } from '../wire/http/failure.ts'
import type { TrackerResponse } from './http-request.ts'

/** libtorrent reads no more (`max_http_recv_buffer_size`). */
const BODY_BYTES_LIBTORRENT = 835_584

/** The dictionary of a response. Reading a key removes it; the keys that remain are unknown. */
export class ResponseReader {
  readonly bytes: Buffer
  readonly #warnings: string[]
  readonly #values = new Map<string, BencodeValue>()

  constructor(bytes: Buffer, start: number, warnings: string[]) {
    this.bytes = bytes
    this.#warnings = warnings
    for (const { key, value } of dictionaryEntries(bytes, start)) {
      const name = key.toString('latin1')
      if (!this.#values.has(name)) this.#values.set(name, value)
    }
  }

  has(key: string): boolean {
    return this.#values.has(key)
  }

  take(key: string): BencodeValue | undefined {
    const value = this.#values.get(key)
    this.#values.delete(key)
    return value
  }

  /** null where the key is missing, or has a value of another type, which adds a warning. */
  takeInteger(key: string): number | null {
    const value = this.take(key)
    if (value === undefined) return null
    const integer = integerOf(this.bytes, value)
    if (integer === undefined) this.#warnings.push(`"${key}" is not an integer that fits into 53 bits`)
    return integer ?? null
  }

  /** null where the key is missing, or has a value of another type, which adds a warning. */
  takeText(key: string): string | null {
    const value = this.take(key)
    if (value === undefined) return null
    const text = textOf(this.bytes, value)
    if (text === undefined) this.#warnings.push(`"${key}" is not a string`)
    return text ?? null
  }

  /** The names of unread keys, printable. */
  left(): string[] {
    return [...this.#values.keys()].map((name) => quoteForReason(name).slice(1, -1))
  }
}

/** The dictionary of a response; undefined, with a warning, where there is none. */
export function openResponse(response: TrackerResponse, warnings: string[]): ResponseReader | undefined {
  const { status, headers, body } = response
  if (status !== 200) {
    warnings.push(`status ${status}: all clients except rtorrent read a response only with status 200`)
  }
  const encoding = headers['content-encoding']
  if (encoding !== undefined) {
    warnings.push(`the response is encoded as ${quoteForReason(encoding)}, which the request does not accept`)
  }
  if (body.length > BODY_BYTES_LIBTORRENT) {
    warnings.push(`${body.length} bytes: libtorrent rejects responses above ${BODY_BYTES_LIBTORRENT}`)
  }
  const scanner = new BencodeScanner(body, 'the response', 0, (kind, offset) =>
    warnings.push(`${encodingProblemTexts[kind]}, at byte ${offset}`),
  )
  try {
    if (scanner.next() !== 'dictionary') throw new InputError('the response: it is not a dictionary')
    scanner.skip()
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    // The advice after the semicolon applies to files.
    const [problem = ''] = error.message.split(';')
    warnings.push(
      `all clients reject this response: ${problem}; it begins with ${quoteForReason(body.toString('latin1', 0, 60))}`,
    )
    return undefined
  }
  if (scanner.end < body.length) {
    warnings.push(
      `${body.length - scanner.end} bytes follow the dictionary; strict clients reject the response`,
    )
  }
  return new ResponseReader(body, 0, warnings)
}

/** The failure reason, with warnings about its effect on clients. null where the response is not a failure. */
export function takeFailure(reader: ResponseReader, warnings: string[]): string | null {
  const reason = reader.takeText('failure reason')
  if (reason === null) return null
  if (!reader.has('interval')) {
    warnings.push('a failure without "interval": libtorrent, qBittorrent and Deluge retry after 30 minutes')
  }
  if (/unregistered torrent|torrent not registered|not registered|torrent cannot be found/i.test(reason)) {
    warnings.push('a reason that makes Transmission 4 or rtorrent 0.16 stop announcing permanently')
  }
  return reason
}
