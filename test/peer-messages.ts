/** Messages of the peer protocol as a test compares them: the parts of bitfields and blocks joined again. */
import { MessageReader, type PeerMessage } from '../src/wire/peer/message-reader.ts'
import type { ProtocolViolation } from '../src/wire/peer/protocol-violation.ts'

export type WholeMessage =
  | Exclude<PeerMessage, { readonly kind: 'bitfield' | 'bitfield-part' | 'block' | 'block-part' }>
  | { readonly kind: 'bitfield'; readonly bits: Buffer }
  | {
      readonly kind: 'block'
      readonly piece: number
      readonly begin: number
      readonly length: number
      readonly data: Buffer
    }

export interface Conversation {
  readonly messages: readonly WholeMessage[]
  readonly violation: ProtocolViolation | undefined
}

/** Reads the chunks, and joins what the reader passes on in parts. */
export function readMessages(chunks: readonly Buffer[]): Conversation {
  const messages: WholeMessage[] = []
  let violation: ProtocolViolation | undefined
  let started: PeerMessage | undefined
  let parts: Buffer[] = []
  const reader = new MessageReader((message) => {
    if (message.kind === 'bitfield' || message.kind === 'block') {
      started = message
      parts = []
    } else if (message.kind === 'bitfield-part' || message.kind === 'block-part') {
      if (message.at !== parts.reduce((sum, part) => sum + part.length, 0))
        throw new Error('a part is not where the previous one ended')
      parts.push(Buffer.from(message.bytes))
      if (!message.isLast) return
      if (started?.kind === 'block') messages.push({ ...started, data: Buffer.concat(parts) })
      else messages.push({ kind: 'bitfield', bits: Buffer.concat(parts) })
      started = undefined
    } else messages.push(message)
  })
  for (const chunk of chunks) violation = reader.read(chunk)
  return { messages, violation }
}
