/**
 * Interface to a source of content: a file, a folder, an HTTP URL, or objects of an S3 bucket.
 *
 * An origin is opened once and describes the content at that time. A later read returns that content or fails: a
 * source that is replaced halfway would give a torrent that cannot be completed, or web seed bytes that fail every
 * hash check. The name, reference, tag and errors of an origin never contain credentials.
 */
import type { FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { RedirectRule } from './redirect-guard.ts'

export interface OriginFile {
  /** Folders and file name below the origin's name; empty if the origin is a single file. */
  readonly path: readonly string[]
  readonly sizeBytes: number
  /**
   * Changes whenever the content may have changed: the ETag, or inode, time and size of the file. It is stable
   * across restarts, so that it can be stored with a torrent and compared later.
   */
  readonly tag: string
}

/** Something that the publisher should know, although the origin can be published. */
export interface OriginWarning {
  readonly code: string
  readonly message: string
}

export interface ByteRange {
  readonly startByte: number
  /** Exclusive. */
  readonly endByte: number
}

export interface OpenOptions {
  /** Source of the S3 credentials and endpoint: the variables of the AWS tools. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  /** Every byte will be read once and in order, so an HTTP server without ranges is acceptable. */
  readonly isReadOnce?: boolean
  /**
   * Real path of a folder that no link of a file origin may leave. undefined: links to files lead anywhere, links to
   * folders stay inside the origin.
   */
  readonly within?: string
  /** Redirects of an HTTP origin to another host that are followed. undefined: all. */
  readonly redirects?: RedirectRule
}

export interface Origin {
  readonly kind: 'file' | 'http' | 's3'
  /**
   * Opens the same origin again, given the same credentials. Contains no user name, password or query: a query may
   * be a signature.
   */
  readonly reference: string
  /** Last part of the path: the default name of the torrent. */
  readonly name: string
  /** False for a single file. A folder that contains one file is still a folder. */
  readonly isFolder: boolean
  /** The server has no ranges: each `read` must continue where the previous one ends, and no byte is read twice. */
  readonly isReadOnce?: true
  readonly warnings?: readonly OriginWarning[]
  /** Sorted by the bytes of their paths, folder by folder: the same content gives the same torrent on every machine. */
  readonly files: readonly OriginFile[]
  /**
   * Reads a range of one file. The stream ends after exactly that many bytes, or fails with an `OriginError`, of kind
   * `changed` if a change since the origin was opened is detected.
   */
  read(fileIndex: number, range: ByteRange, signal: AbortSignal): Readable
  /**
   * Opens one file for reading by descriptor; the caller closes it. Defined only for files on this machine. Rejects
   * with the errors of `read`.
   */
  readonly openFile?: (fileIndex: number) => Promise<FileHandle>
  /** Rejects with an `OriginError` if the file changed since the origin was opened. */
  verifyUnchanged(fileIndex: number, signal: AbortSignal): Promise<void>
  /** Closes connections and open files. Streams that are being read fail. */
  close(): Promise<void>
}
