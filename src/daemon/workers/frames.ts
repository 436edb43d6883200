/**
 * Frames on the stream between two processes of a node.
 *
 * The frames of one turn of the event loop are written together: the write, and the wake-up of the other process, cost
 * more than an announce, and under load many frames share them.
 */

/*
  Frame => little-endian
     0  uint32  bytes behind this field
     4  uint8   kind
     5  uint32  id
     9  byte[]  payload
*/
const HEAD_BYTES = 9
const LENGTH_BYTES = 4

/** Some hundred frames. */
const CHUNK_BYTES = 65_536

export class FrameWriter {
  readonly #write: (bytes: Buffer) => void
  #bytes = Buffer.allocUnsafe(CHUNK_BYTES)
  /** Start of the frames that are not written yet. */
  #start = 0
  /** Start of the frame that `begin` began, or of the next one. */
  #at = 0
  #isScheduled = false

  /** `write` may keep the bytes: they do not change afterwards. */
  constructor(write: (bytes: Buffer) => void) {
    this.#write = write
  }

  /** Begins a frame with at most this much payload. Returns the bytes, and the place of the payload in them. */
  begin(kind: number, id: number, payloadBytesMax: number): { readonly bytes: Buffer; readonly at: number } {
    const bytesMax = HEAD_BYTES + payloadBytesMax
    if (this.#at + bytesMax > this.#bytes.length) {
      this.flush()
      this.#bytes = Buffer.allocUnsafe(Math.max(CHUNK_BYTES, bytesMax))
      this.#start = 0
      this.#at = 0
    }
    this.#bytes.writeUInt8(kind, this.#at + LENGTH_BYTES)
    this.#bytes.writeUInt32LE(id, this.#at + LENGTH_BYTES + 1)
    return { bytes: this.#bytes, at: this.#at + HEAD_BYTES }
  }

  /** Ends the frame at this place. It is written at the end of this turn of the event loop. */
  end(at: number): void {
    this.#bytes.writeUInt32LE(at - this.#at - LENGTH_BYTES, this.#at)
    this.#at = at
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.flush()
    })
  }

  /** A frame with this payload. */
  add(kind: number, id: number, payload: Buffer): void {
    const { bytes, at } = this.begin(kind, id, payload.length)
    this.end(at + payload.copy(bytes, at))
  }

  flush(): void {
    if (this.#at === this.#start) return
    this.#write(this.#bytes.subarray(this.#start, this.#at))
    this.#start = this.#at
  }
}

type FrameListener = (kind: number, id: number, payload: Buffer) => void

export class FrameReader {
  readonly #onFrame: FrameListener
  #rest: Buffer = Buffer.alloc(0)

  /** The payload is valid during the call only. */
  constructor(onFrame: FrameListener) {
    this.#onFrame = onFrame
  }

  receive(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (at + HEAD_BYTES <= bytes.length) {
      const end = at + LENGTH_BYTES + bytes.readUInt32LE(at)
      if (end > bytes.length) break
      const kind = bytes.readUInt8(at + LENGTH_BYTES)
      const id = bytes.readUInt32LE(at + LENGTH_BYTES + 1)
      this.#onFrame(kind, id, bytes.subarray(at + HEAD_BYTES, end))
      at = end
    }
    this.#rest = bytes.subarray(at)
  }
}
