/** The names that a torrent gives its content, where the UTF-8 forms are preferred. Bytes, one character each. */
import type { Metainfo } from '../metainfo.ts'
import { type ContentEntry, contentLayout, singleTreeName } from './content-entries.ts'
import { torrentName } from './torrent-name.ts'

/** The folder; undefined for a torrent of one file without a folder. */
export function canonicalRoot(metainfo: Metainfo): string | undefined {
  const layout = contentLayout(metainfo)
  const isSingle = layout === 'single' || (layout === 'tree' && singleTreeName(metainfo) !== undefined)
  return isSingle ? undefined : (torrentName(metainfo) ?? '')
}

/** The name of a torrent of one file. In a v2 torrent it is a key of the tree, and `name` may differ. */
export function canonicalName(metainfo: Metainfo): string {
  const inTree = contentLayout(metainfo) === 'tree' ? singleTreeName(metainfo) : undefined
  return inTree ?? torrentName(metainfo) ?? ''
}

/** The path below `root`, or `name` where there is no folder. */
export function canonicalFile(entry: ContentEntry, root: string | undefined, name: string): string {
  const elements = entry.pathUtf8 ?? entry.path ?? []
  return root === undefined ? name : elements.map((element) => element ?? '').join('/')
}
