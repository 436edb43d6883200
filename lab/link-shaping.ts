/**
 * How a link of the laboratory is made slow: a token bucket (`tbf`) on each of its two ends, so that each
 * direction has its own rate, a short queue in front of it, and tail drop when the queue is full.
 *
 * Virtual Ethernet passes "frames" of up to 64 KiB on: at 80 Mbit/s one would hold the link for 6.5 ms, and whoever
 * sent first would keep it (one of three connections then takes 80 %). Real frames of 1,514 bytes are right but cost
 * two processors more than 24 hosts leave them. 16 KiB shares as fairly as real frames do, at a third of the cost.
 * `npm run lab -- --calibrate` shows it; README.md has the figures.
 */

export const linkShaping = {
  frameBytesMax: 16 * 1024,
  /** What a site's router buffers: 50 ms is a common size and keeps one TCP connection at the full rate. */
  wanQueueMs: 50,
  /** What a host's card and its switch port buffer. */
  nicQueueMs: 20,
  /** What may be sent at once after a pause: 2 ms worth, but two of the largest frames, or `tbf` would cut them. */
  burstMs: 2,
  burstBytesMin: 32 * 1024,
} as const

export function shapeLink(device: string, bitsPerSecond: number, queueMs: number): string {
  const bytesPerMs = bitsPerSecond / 8 / 1000
  const burstBytes = Math.max(linkShaping.burstBytesMin, Math.ceil(bytesPerMs * linkShaping.burstMs))
  const limitBytes = Math.ceil(bytesPerMs * queueMs) + burstBytes
  return `${plainLink(device)}
     tc qdisc add dev ${device} root tbf rate ${Math.round(bitsPerSecond)}bit burst ${burstBytes} limit ${limitBytes}`
}

/** Also for links that are not shaped: a frame that is too large for the next link would be cut there. */
export function plainLink(device: string): string {
  return `ip link set ${device} gso_max_size ${linkShaping.frameBytesMax}`
}
