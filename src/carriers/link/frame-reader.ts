/**
 * Reads the frames of one direction from chunks of any size. Each frame is copied into a buffer of its own, because the
 * blocks in it are kept, and the chunk is reused.
 *
 * The other side is a node with the token of the federation, and may still be wrong: a length is checked before its
 * bytes are awaited, and a malformed frame ends the connection.
 */
import { type Frame, FRAME_BYTES_MAX, FRAME_HEAD_BYTES, LENGTH_BYTES, readFrame } from './frame.ts'

export class FrameReader {
  readonly #receive: (frame: Frame) => void
  readonly #head = Buffer.alloc(FRAME_HEAD_BYTES)
  #headBytes = 0
  #body: Buffer | undefined
  #bodyBytes = 0
  #error: string | undefined
  #isStopped = false

  constructor(receive: (frame: Frame) => void) {
    this.#receive = receive
  }

  /** Ignores the rest of the chunk, and every later one. */
  stop(): void {
    this.#isStopped = true
  }

  /** Returns the reason to end the connection. */
  read(chunk: Buffer): string | undefined {
    let at = 0
    while (at < chunk.length && !this.#isStopped) {
      if (this.#body === undefined) at += this.#takeHead(chunk, at)
      else at += this.#takeBody(this.#body, chunk, at)
      if (this.#body !== undefined && this.#bodyBytes === this.#body.length) this.#complete(this.#body)
    }
    return this.#error
  }

  #takeHead(chunk: Buffer, at: number): number {
    const copied = chunk.copy(this.#head, this.#headBytes, at, at + FRAME_HEAD_BYTES - this.#headBytes)
    this.#headBytes += copied
    if (this.#headBytes < FRAME_HEAD_BYTES) return copied
    const length = this.#head.readUInt32BE(0)
    if (length === 0 || length > FRAME_BYTES_MAX) this.#reject(`a frame of ${length} bytes`)
    else this.#body = Buffer.allocUnsafeSlow(length - 1)
    this.#bodyBytes = 0
    return copied
  }

  #takeBody(body: Buffer, chunk: Buffer, at: number): number {
    const copied = chunk.copy(body, this.#bodyBytes, at, at + body.length - this.#bodyBytes)
    this.#bodyBytes += copied
    return copied
  }

  #complete(body: Buffer): void {
    const type = this.#head[LENGTH_BYTES] as number
    this.#body = undefined
    this.#headBytes = 0
    const frame = readFrame(type, body)
    if (frame === undefined) this.#reject(`a malformed frame of type ${type} and ${body.length} bytes`)
    else this.#receive(frame)
  }

  #reject(reason: string): void {
    this.#error = reason
    this.#isStopped = true
  }
}
