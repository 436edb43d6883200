/**
 * Writes a new .torrent: v1 (BEP 3), or hybrid, both v1 and v2 (BEP 52). Keys are sorted and the bytes do not depend
 * on the machine, so the same content under the same name gives the same torrent on every machine.
 *
 * It contains no tracker: each site gets its own when the torrent is served or rewritten.
 */
import { type Bencodable, writeBencode } from '../bencode/writer.ts'
import { type FileTree, fileTree } from './file-roots.ts'
import type { ContentHashes } from './hash-content.ts'
import type { Layout, PlacedFile } from './layout.ts'

export interface TorrentProperties {
  readonly name: string
  readonly isFolder: boolean
  readonly isPrivate: boolean
  readonly webSeeds: readonly string[]
  readonly createdBy: string
  readonly createdAtSeconds: number
}

export function writeTorrent(layout: Layout, hashes: ContentHashes, properties: TorrentProperties): Buffer {
  const trees = layout.isHybrid
    ? new Map(layout.files.map((file) => [file, fileTree(layout, file, hashes.pieceRoots)]))
    : undefined
  const torrent = new Map<string, Bencodable>([
    ['created by', properties.createdBy],
    ['creation date', properties.createdAtSeconds],
    ['info', writeInfo(layout, hashes, properties, trees)],
  ])
  if (properties.webSeeds.length > 0) torrent.set('url-list', properties.webSeeds)
  if (trees !== undefined) torrent.set('piece layers', writeLayers(trees))
  return writeBencode(torrent)
}

type Trees = ReadonlyMap<PlacedFile, FileTree>

function writeInfo(
  layout: Layout,
  { pieces }: ContentHashes,
  { name, isFolder, isPrivate }: TorrentProperties,
  trees: Trees | undefined,
): Bencodable {
  const info = new Map<string, Bencodable>([
    ['name', name],
    ['piece length', layout.pieceBytes],
    ['pieces', pieces],
  ])
  if (isFolder) info.set('files', layout.files.flatMap(writeFile))
  else info.set('length', layout.totalBytes)
  // Part of the infohash, so it cannot be added later. Without it, PEX, DHT and LSD defeat locality (BEP 27).
  if (isPrivate) info.set('private', 1)
  if (trees !== undefined) {
    info.set('meta version', 2)
    info.set('file tree', writeTree(trees, isFolder ? undefined : name))
  }
  return info
}

/** Writes the file and its padding; clients do not store padding files (BEP 47). */
function writeFile({ path, sizeBytes, paddingBytes }: PlacedFile): Bencodable[] {
  const file: Bencodable = new Map<string, Bencodable>([
    ['length', sizeBytes],
    ['path', path],
  ])
  if (paddingBytes === 0) return [file]
  const padding = new Map<string, Bencodable>([
    ['attr', 'p'],
    ['length', paddingBytes],
    ['path', ['.pad', String(paddingBytes)]],
  ])
  return [file, padding]
}

/** A folder is a dictionary of names; a file is a dictionary whose only key is empty. */
function writeTree(trees: Trees, singleName: string | undefined): Bencodable {
  const top = new Map<string, Bencodable>()
  for (const [{ path, sizeBytes }, { root }] of trees) {
    let folder = top
    for (const part of singleName === undefined ? path : [singleName]) {
      const below = (folder.get(part) as Map<string, Bencodable> | undefined) ?? new Map<string, Bencodable>()
      folder.set(part, below)
      folder = below
    }
    const properties = new Map<string, Bencodable>([['length', sizeBytes]])
    if (root !== undefined) properties.set('pieces root', root)
    folder.set('', properties)
  }
  return top
}

/** Files with the same content have the same root and share one entry. */
function writeLayers(trees: Trees): Bencodable {
  const layers = new Map<string, readonly [key: Buffer, layer: Buffer]>()
  for (const { root, layer } of trees.values()) {
    if (root !== undefined && layer !== undefined) layers.set(root.toString('latin1'), [root, layer])
  }
  return new Map<Uint8Array, Bencodable>(layers.values())
}
