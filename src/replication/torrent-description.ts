/** Description of a registered torrent as one line of JSON: beside its file, and in Redis. */
import { parseInfoHash } from '../core/info-hash.ts'
import type { RegisteredTorrent } from './site-store.ts'

export function writeDescription({
  infoHashes,
  name,
  sizeBytes,
  registeredAtMs,
  note,
}: RegisteredTorrent): string {
  const hashes = infoHashes.map((infoHash) => infoHash.toString('hex'))
  return JSON.stringify({ infoHashes: hashes, name, sizeBytes, registeredAtMs, note })
}

/** v1 and v2. */
const INFO_HASHES_MAX = 2
/** Messages between sites have 48 bits for a time. */
const TIME_MS_MAX = 2 ** 48 - 1

/** undefined where the text is not a description, such as a file that was edited by hand. */
export function readDescription(text: string): RegisteredTorrent | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const { infoHashes, name, sizeBytes, registeredAtMs, note } = (value ?? {}) as Readonly<
    Record<string, unknown>
  >
  if (!Array.isArray(infoHashes) || typeof name !== 'string' || typeof note !== 'string') return undefined
  if (!isWholeNumber(sizeBytes) || !isWholeNumber(registeredAtMs) || registeredAtMs > TIME_MS_MAX)
    return undefined
  const hashes = infoHashes.map((each) => parseInfoHash(String(each)))
  if (hashes.length === 0 || hashes.length > INFO_HASHES_MAX || hashes.includes(undefined)) return undefined
  return { infoHashes: hashes as Buffer[], name, sizeBytes, registeredAtMs, note }
}

function isWholeNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
