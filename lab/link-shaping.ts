/**
 * How a link of the laboratory is made slow: a token bucket (`tbf`) on each of its two ends, so that each
 * direction has its own rate, a short queue in front of it, and tail drop when the queue is full.
 *
 * Virtual Ethernet passes "frames" of up to 64 KiB on. On an uplink one of those would hold the line for 6.5 ms and
 * be counted with one header, so uplinks carry real frames of at most 1,514 bytes. Between the hosts of a site the
 * large ones stay: real frames there cost more than two processors have beside 24 clients (a flash crowd took three
 * times as long), while all that is measured of those links is how fast a host can take the file.
 */

const uplink = {
  /** What a site's router buffers: 50 ms is a common size and keeps one TCP connection at the full rate. */
  queueMs: 50,
  /** What may be sent at once after a pause. `tbf` cuts what is larger into real frames before it queues them. */
  burstMs: 2,
  burstBytesMin: 16 * 1024,
} as const

const hostLink = {
  /** What a host's card and its switch port buffer. */
  queueMs: 20,
  burstMs: 2,
  /** One of the largest frames, with room for its headers. */
  burstBytesMin: 72 * 1024,
} as const

export function shapeUplink(device: string, bitsPerSecond: number): string {
  return `ip link set ${device} gso_max_segs 1\n${tokenBucket(device, bitsPerSecond, uplink)}`
}

export function shapeHostLink(device: string, bitsPerSecond: number): string {
  return tokenBucket(device, bitsPerSecond, hostLink)
}

function tokenBucket(device: string, bitsPerSecond: number, link: typeof uplink | typeof hostLink): string {
  const bytesPerMs = bitsPerSecond / 8 / 1000
  const burstBytes = Math.max(link.burstBytesMin, Math.ceil(bytesPerMs * link.burstMs))
  const limitBytes = Math.ceil(bytesPerMs * link.queueMs) + burstBytes
  const rate = `rate ${Math.round(bitsPerSecond)}bit burst ${burstBytes} limit ${limitBytes}`
  return `tc qdisc add dev ${device} root tbf ${rate}`
}
