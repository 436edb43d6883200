/**
 * Where content comes from: a file, a folder, an HTTP URL, or objects of an S3 bucket, all in one shape.
 *
 * An origin is opened once and describes what it saw then. Whatever is read later is that content or an error: a
 * source that is replaced halfway would give a torrent that nobody can ever complete, or web-seed bytes that every
 * client throws away. Credentials stay inside: no name, reference, tag or error of an origin holds any.
 */
import type { FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'

export interface OriginFile {
  /** Folders and name below the origin's name; empty where the origin is one single file. */
  readonly path: readonly string[]
  readonly sizeBytes: number
  /**
   * Changes whenever the content may have changed: the ETag, or what the file system says of the file. The same
   * after a restart of the program, so that it can be kept beside a torrent and compared later.
   */
  readonly tag: string
}

export interface ByteRange {
  readonly startByte: number
  /** The byte after the last one. */
  readonly endByte: number
}

export interface Origin {
  readonly kind: 'file' | 'http' | 's3'
  /**
   * What opens the same origin again, given the same credentials. Without user name, password or query: that
   * may be a signature.
   */
  readonly reference: string
  /** Last part of the path: what the torrent is called unless somebody says otherwise. */
  readonly name: string
  /** False for one single file: a folder of one file is a folder all the same. */
  readonly isFolder: boolean
  /** There are no ranges: `read` takes what follows what it was asked for before, and nothing twice. */
  readonly isReadOnce?: true
  /** Sorted by the bytes of their paths, folder by folder: the same content gives the same torrent everywhere. */
  readonly files: readonly OriginFile[]
  /**
   * A part of one file. The stream ends after exactly that many bytes, or fails with an `OriginError`; `changed`
   * where the source is no longer what it was when it was opened, as far as that can be seen.
   */
  read(fileIndex: number, range: ByteRange, signal: AbortSignal): Readable
  /**
   * Opens one file for whoever reads it by its descriptor, and closes it then. Only where the content is in files of
   * this machine. Rejects as `read` fails.
   */
  readonly openFile?: (fileIndex: number) => Promise<FileHandle>
  /** Rejects with an `OriginError` where the file is no longer what it was when the origin was opened. */
  verifyUnchanged(fileIndex: number, signal: AbortSignal): Promise<void>
  /** Lets go of connections and open files. Streams that are being read fail. */
  close(): Promise<void>
}
