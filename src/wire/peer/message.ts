/**
 * Frame of the messages that follow the handshake (BEP 3), the ids, and the messages that consist of an id alone.
 */

/*
  Message => any number
     0  uint32    length    of the rest; 0 is a keep-alive, which has no id
     4  uint8     id
     5  byte[length - 1]
*/
export const LENGTH_BYTES = 4
/** The length and the id. */
export const HEAD_BYTES = 5

/** `haveAll` and `haveNone` are of BEP 6. Some clients send them to a peer that did not offer BEP 6. */
export const messageIds = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  notInterested: 3,
  have: 4,
  bitfield: 5,
  request: 6,
  piece: 7,
  cancel: 8,
  haveAll: 14,
  haveNone: 15,
} as const

/*
  KeepAlive => 4 bytes
     0  uint32   0
*/
export const KEEP_ALIVE = Buffer.alloc(LENGTH_BYTES)

/*
  Choke | Unchoke | Interested | NotInterested | HaveAll | HaveNone => 5 bytes
     0  uint32   1
     4  uint8    id
*/
export const CHOKE = bare(messageIds.choke)
export const UNCHOKE = bare(messageIds.unchoke)
export const INTERESTED = bare(messageIds.interested)
export const NOT_INTERESTED = bare(messageIds.notInterested)
export const HAVE_ALL = bare(messageIds.haveAll)
export const HAVE_NONE = bare(messageIds.haveNone)

function bare(id: number): Buffer {
  return startMessage(id, 0)
}

/** A message whose first five bytes are set. Its body has room in the same buffer. */
export function startMessage(id: number, bodyBytes: number): Buffer {
  const message = Buffer.alloc(HEAD_BYTES + bodyBytes)
  message.writeUInt32BE(1 + bodyBytes, 0)
  message[LENGTH_BYTES] = id
  return message
}
