/**
 * PROXY protocol, versions 1 and 2: a header before everything else on a connection, in which a proxy states the address
 * of the client. Only for connections of trusted proxies: the header is not authenticated.
 *
 * The end of a header follows from the header alone, so that the bytes behind it (TLS or HTTP) stay untouched. `absent` is
 * decided by the first bytes: no method of HTTP and no TLS record begins like a header.
 */
import { type Address, addressFromBytes, parseAddress } from '../../core/address.ts'

export type ReadProxyHeader =
  /** The bytes do not begin with a header. */
  | { readonly kind: 'absent' }
  /** The bytes are the beginning of a header. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'invalid'; readonly reason: string }
  /** `client`: undefined where the connection is of the proxy itself, or has no known client. */
  | { readonly kind: 'read'; readonly client: Address | undefined; readonly bytes: number }

/*
  HeaderV1 => "PROXY " ( "UNKNOWN" [ " " any ] | family " " source " " destination " " port " " port ) CRLF
  family   => "TCP4" | "TCP6"
  port     => 0 … 65535, without leading zeros
  At most 107 bytes with CRLF. What follows UNKNOWN is ignored.
*/
const START_V1 = Buffer.from('PROXY ', 'latin1')
export const V1_BYTES_MAX = 107

/*
  HeaderV2 => 16 bytes, then `length` bytes
     0  byte[12] signature
    12  uint4    version      2
        uint4    command      0 LOCAL: the proxy itself, such as a health check; 1 PROXY
    13  uint4    family       0 unspecified, 1 IPv4, 2 IPv6, 3 Unix socket
        uint4    transport    0 unspecified, 1 stream, 2 datagram
    14  uint16   length       of the rest of the header
  IPv4 => 4 bytes source, 4 bytes destination, uint16 source port, uint16 destination port
  IPv6 => the same with 16 bytes each
  Then TLVs to the end of the header, which are skipped.
*/
const START_V2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const V2_FIXED_BYTES = 16
/** A proxy that passes on the certificate of the client sends some KiB of TLVs; an address alone is 12 to 36 bytes. */
export const V2_REST_BYTES_MAX = 4_096

const LOCAL = 0
const ADDRESS_BYTES: Readonly<Record<number, number>> = { 1: 4, 2: 16 }

export function readProxyHeader(bytes: Buffer): ReadProxyHeader {
  if (isStartOf(bytes, START_V2)) return bytes.length < V2_FIXED_BYTES ? INCOMPLETE : readV2(bytes)
  if (isStartOf(bytes, START_V1)) return bytes.length < START_V1.length ? INCOMPLETE : readV1(bytes)
  return { kind: 'absent' }
}

const INCOMPLETE: ReadProxyHeader = { kind: 'incomplete' }

/** True also for a part of the start. */
function isStartOf(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.subarray(0, length).equals(start.subarray(0, length))
}

function readV1(bytes: Buffer): ReadProxyHeader {
  const end = bytes.subarray(0, V1_BYTES_MAX).indexOf('\r\n', 0, 'latin1')
  if (end < 0)
    return bytes.length < V1_BYTES_MAX
      ? INCOMPLETE
      : invalid(`version 1 has no end within ${V1_BYTES_MAX} bytes`)
  const line = bytes.toString('latin1', START_V1.length, end)
  const read = { kind: 'read', bytes: end + 2 } as const
  if (line === 'UNKNOWN' || line.startsWith('UNKNOWN ')) return { ...read, client: undefined }
  const [family, source = '', destination = '', ...ports] = line.split(' ')
  if (family !== 'TCP4' && family !== 'TCP6') return invalid('version 1 has an unknown family')
  const client = addressOf(source, family)
  if (client === undefined || addressOf(destination, family) === undefined)
    return invalid(`version 1 has an address that is not ${family}`)
  if (ports.length !== 2 || !ports.every(isPort)) return invalid('version 1 has a wrong port')
  return { ...read, client }
}

/** A proxy with a dual-stack listener sends mapped addresses as TCP6. */
function addressOf(text: string, family: 'TCP4' | 'TCP6'): Address | undefined {
  const isOfFamily = text.includes(':') === (family === 'TCP6') && !text.includes('%')
  return isOfFamily ? parseAddress(text) : undefined
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
}

function readV2(bytes: Buffer): ReadProxyHeader {
  const version = bytes.readUInt8(12) >>> 4
  const command = bytes.readUInt8(12) & 15
  const family = bytes.readUInt8(13) >>> 4
  const transport = bytes.readUInt8(13) & 15
  const restBytes = bytes.readUInt16BE(14)
  if (version !== 2 || command > 1) return invalid('version 2 has an unknown version or command')
  if (family > 3 || transport > 2) return invalid('version 2 has an unknown family or transport')
  if (restBytes > V2_REST_BYTES_MAX) return invalid(`version 2 is longer than ${V2_REST_BYTES_MAX} bytes`)
  const addressBytes = ADDRESS_BYTES[family]
  const hasAddress = command !== LOCAL && addressBytes !== undefined && transport !== 0
  if (hasAddress && transport !== 1) return invalid('version 2 is for datagrams')
  if (hasAddress && restBytes < 2 * addressBytes + 4)
    return invalid('version 2 is too short for its addresses')
  const end = V2_FIXED_BYTES + restBytes
  if (bytes.length < end) return INCOMPLETE
  const client = hasAddress
    ? addressFromBytes(bytes.subarray(V2_FIXED_BYTES, V2_FIXED_BYTES + addressBytes))
    : undefined
  return { kind: 'read', client, bytes: end }
}

function invalid(reason: string): ReadProxyHeader {
  return { kind: 'invalid', reason }
}
