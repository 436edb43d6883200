/**
 * A tracker's answer, read the way the strictest of clients reads it, with a warning for everything that one of
 * them stumbles over: what one client accepts, another takes for a failure, and an operator cannot try them all.
 */
import { BencodeScanner } from '../bencode/scanner.ts'
import { encodingProblemTexts } from '../bencode/encoding-problem.ts'
import { type BencodeValue, dictionaryEntries, integerOf, textOf } from '../bencode/value.ts'
import { InputError } from '../core/errors.ts'
import { quoteForReason } from '../wire/http/failure.ts'
import type { TrackerAnswer } from './http-request.ts'

/** libtorrent reads no more (`max_http_recv_buffer_size`). */
const BODY_BYTES_LIBTORRENT = 835_584

/** The dictionary of an answer. Reading a key takes it away; what is left in the end is what nobody knows. */
export class AnswerReader {
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

  /** null where the key is missing, or holds something else, which is warned of. */
  takeInteger(key: string): number | null {
    const value = this.take(key)
    if (value === undefined) return null
    const integer = integerOf(this.bytes, value)
    if (integer === undefined) this.#warnings.push(`"${key}" is no integer that fits into 53 bits`)
    return integer ?? null
  }

  /** null where the key is missing, or holds something else, which is warned of. */
  takeText(key: string): string | null {
    const value = this.take(key)
    if (value === undefined) return null
    const text = textOf(this.bytes, value)
    if (text === undefined) this.#warnings.push(`"${key}" is no string`)
    return text ?? null
  }

  /** The names that nobody took, printable. */
  left(): string[] {
    return [...this.#values.keys()].map((name) => quoteForReason(name).slice(1, -1))
  }
}

/** The dictionary of an answer; undefined, with a warning that says why, where there is none. */
export function readAnswer(answer: TrackerAnswer, warnings: string[]): AnswerReader | undefined {
  const { status, headers, body } = answer
  if (status !== 200) {
    warnings.push(`status ${status}: all clients but rtorrent read an answer only with status 200`)
  }
  const encoding = headers['content-encoding']
  if (encoding !== undefined) {
    warnings.push(`the answer is encoded as ${quoteForReason(encoding)}, which nobody asked for`)
  }
  if (body.length > BODY_BYTES_LIBTORRENT) {
    warnings.push(`${body.length} bytes: libtorrent reads no answer beyond ${BODY_BYTES_LIBTORRENT}`)
  }
  const scanner = new BencodeScanner(body, 'the answer', 0, (kind, offset) =>
    warnings.push(`${encodingProblemTexts[kind]}, at byte ${offset}`),
  )
  try {
    if (scanner.next() !== 'dictionary') throw new InputError('the answer: it is no dictionary')
    scanner.skip()
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    // What the scanner advises is meant for a file.
    const [what = ''] = error.message.split(';')
    warnings.push(
      `no client reads this answer: ${what}; it begins with ${quoteForReason(body.toString('latin1', 0, 60))}`,
    )
    return undefined
  }
  if (scanner.end < body.length) {
    warnings.push(
      `${body.length - scanner.end} bytes follow the dictionary; strict clients refuse the answer`,
    )
  }
  return new AnswerReader(body, 0, warnings)
}

/** A failure, and what it does to clients. null where the answer is none. */
export function takeFailure(reader: AnswerReader, warnings: string[]): string | null {
  const reason = reader.takeText('failure reason')
  if (reason === null) return null
  if (!reader.has('interval')) {
    warnings.push('a failure without "interval": libtorrent, qBittorrent and Deluge stay away for 30 minutes')
  }
  if (/unregistered torrent|torrent not registered|not registered|torrent cannot be found/i.test(reason)) {
    warnings.push('words that make Transmission 4 or rtorrent 0.16 stop announcing for good')
  }
  return reason
}
