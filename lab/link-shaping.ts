/**
 * How a link of the laboratory is made slow: a token bucket (`tbf`) on each of its two ends, so that each
 * direction has its own rate, a short queue in front of it, and tail drop when the queue is full.
 *
 * Virtual Ethernet passes frames of up to 64 KiB on, unless it is told not to; then one "packet" on an 80 Mbit/s
 * link would last 6.5 ms. Segmentation offload is therefore off on shaped links: every frame is at most 1,514 bytes.
 */

export const linkShaping = {
  /** What a site's router buffers: 50 ms is a common size and keeps one TCP connection at the full rate. */
  wanQueueMs: 50,
  /** What a host's card and its switch port buffer. */
  nicQueueMs: 20,
  /** What may be sent at once after a pause: 2 ms worth, and never less than a few frames. */
  burstMs: 2,
  burstBytesMin: 16 * 1024,
} as const

export function shapeLink(device: string, bitsPerSecond: number, queueMs: number): string {
  const bytesPerMs = bitsPerSecond / 8 / 1000
  const burstBytes = Math.max(linkShaping.burstBytesMin, Math.ceil(bytesPerMs * linkShaping.burstMs))
  const limitBytes = Math.ceil(bytesPerMs * queueMs) + burstBytes
  return `${plainLink(device)}
     tc qdisc add dev ${device} root tbf rate ${Math.round(bitsPerSecond)}bit burst ${burstBytes} limit ${limitBytes}`
}

/** A link with real frames: nothing joins segments before they are sent or after they have arrived. */
export function plainLink(device: string): string {
  return `ethtool -K ${device} tso off gso off gro off >/dev/null`
}
