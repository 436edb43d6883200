/**
 * The `piece layers` of a v2 or hybrid torrent (BEP 52). libtorrent accepts a torrent without them, and refuses one with a
 * layer that is malformed or does not lead to the root of its file.
 */
import { dictionaryEntries, type BencodeValue } from '../../bencode/value.ts'
import { layerRoot } from '../layer-root.ts'
import type { Metainfo } from '../metainfo.ts'
import { ROOT_BYTES, treeEntries } from './content-entries.ts'

/** Hashes of a torrent that are verified: 0.2 s of work. A node spares no more between two announces. */
const VERIFIED_HASHES_MAX = 131_072

export function pieceLayersProblem(metainfo: Metainfo, pieceBytes: number): string | undefined {
  const { bytes, infoHashV2 } = metainfo
  const layers = metainfo.entries.find(({ key }) => key.toString('latin1') === 'piece layers')?.value
  if (infoHashV2 === undefined || layers?.kind !== 'dictionary') return undefined
  const byRoot = new Map<string, BencodeValue>()
  for (const { key, value } of dictionaryEntries(bytes, layers.start)) {
    const isLayer = value.kind === 'string' && (value.end - value.contentStart) % ROOT_BYTES === 0
    if (key.length !== ROOT_BYTES || !isLayer) return '`piece layers` has an entry that is not a layer'
    byRoot.set(key.toString('latin1'), value)
  }
  let verified = 0
  for (const entry of treeEntries(metainfo)) {
    const { piecesRoot = '', lengthBytes = 0 } = entry ?? {}
    const layer = lengthBytes > pieceBytes ? byRoot.get(piecesRoot) : undefined
    if (layer === undefined) continue
    const hashes = (layer.end - layer.contentStart) / ROOT_BYTES
    if (hashes !== Math.ceil(lengthBytes / pieceBytes))
      return '`piece layers` does not fit the length of a file'
    verified += hashes
    if (verified > VERIFIED_HASHES_MAX) return undefined
    const root = layerRoot(bytes.subarray(layer.contentStart, layer.end), pieceBytes)
    if (root.toString('latin1') !== piecesRoot)
      return 'a layer in `piece layers` does not lead to the root of its file'
  }
  return undefined
}
