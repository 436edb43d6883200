/** Describes a published torrent, as lines for a terminal or as fields of the JSON document. */
import { formatInfoHash } from '../core/info-hash.ts'
import type { Published } from '../publish/publish-origin.ts'
import { formatByteSize } from './byte-size.ts'
import { escapeControl } from './escape-control.ts'
import type { PublishArguments } from './publish-arguments.ts'
import { LABEL_WIDTH } from './registered-torrent.ts'

export function describePublished(published: Published, { isPrivate, output }: PublishArguments) {
  const { metainfo, contentBytes, paddingBytes, pieceBytes, pieceCount } = published
  const { infoHashV1, infoHashV2, source: name } = metainfo
  return {
    infoHashV1: infoHashV1 === undefined ? null : formatInfoHash(infoHashV1),
    infoHashV2: infoHashV2 === undefined ? null : formatInfoHash(infoHashV2),
    name,
    sizeBytes: contentBytes,
    paddingBytes,
    pieceBytes,
    pieceCount,
    private: isPrivate,
    output: output ?? null,
  }
}

export function publishedLines(published: Published, wanted: PublishArguments): string[] {
  const { infoHashV1, infoHashV2, name, sizeBytes, pieceBytes, pieceCount } = describePublished(
    published,
    wanted,
  )
  const row = (label: string, text: string) => `${label.padEnd(LABEL_WIDTH)}${escapeControl(text)}`
  return [
    row('infohash', infoHashV1 ?? ''),
    ...(infoHashV2 === null ? [] : [row('infohash v2', infoHashV2)]),
    row('name', name),
    row('size', `${formatByteSize(sizeBytes)} (${sizeBytes} bytes)`),
    row('pieces', `${pieceCount} of ${formatByteSize(pieceBytes)}`),
    ...(wanted.output === undefined ? [] : [row('written', wanted.output)]),
  ]
}
