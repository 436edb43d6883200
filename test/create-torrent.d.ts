/** The package has no types. Without an `announceList` it would add public trackers, so it is not optional here. */
declare module 'create-torrent' {
  export default function createTorrent(
    path: string,
    options: {
      readonly announceList: readonly (readonly string[])[]
      readonly private?: boolean
      readonly urlList?: readonly string[]
      readonly comment?: string
      readonly pieceLength?: number
    },
    done: (error: Error | null, torrent: Uint8Array) => void,
  ): void
}
