/**
 * Limits the rate of a link: a token bucket (`tbf`, in hosts `htb`) on each of its two ends, so that each direction has
 * its own rate, a short queue in front of it, and tail drop when the queue is full.
 *
 * Virtual Ethernet carries "frames" of up to 64 KiB. On an uplink one of those would occupy the line for 6.5 ms, and the
 * sender of the largest frames would get most of the rate, so uplinks carry at most four real frames in one; single
 * frames make a flash crowd a tenth slower on two processors. Inside a site the large frames stay: real frames there took
 * three times as long, and the only figure taken from those links is how fast a host receives the file.
 */

const UPLINK_FRAMES_MAX = 4

const uplink = {
  /** Buffer of a site's router: 50 ms is a common size and keeps one TCP connection at the full rate. */
  queueMs: 50,
  /** Burst after a pause. `tbf` segments larger frames into real ones before it queues them. */
  burstMs: 2,
  burstBytesMin: 16 * 1024,
} as const

const hostLink = {
  /** Buffer of a host's network card and of its switch port. */
  queueMs: 20,
  burstMs: 2,
  /** One frame of the largest size, with room for its headers. */
  burstBytesMin: 72 * 1024,
} as const

export function shapeUplink(device: string, bitsPerSecond: number): string {
  return `ip link set ${device} gso_max_segs ${UPLINK_FRAMES_MAX}\n${tokenBucket(device, bitsPerSecond, uplink)}`
}

/** The switch's end of a host's link. */
export function shapeSwitchPort(device: string, bitsPerSecond: number): string {
  return tokenBucket(device, bitsPerSecond, hostLink)
}

/**
 * The host's end, where every common distribution queues fairly between connections (`fq_codel`). Without fair queueing a
 * connection's share is proportional to its frame size, which the kernel derives from its speed: a slow connection to
 * another site had 2 to 10 of 50 Mbit/s beside a fast one to a neighbour, as long as that one lasted. Kernels built for
 * virtual machines often lack `fq_codel`, so each destination host gets a class of equal rank (`htb`).
 */
export function shapeHost(device: string, bitsPerSecond: number, destinations: readonly string[]): string {
  const rate = Math.round(bitsPerSecond)
  const share = `rate ${Math.floor(rate / (destinations.length + 1))}bit ceil ${rate}bit`
  const sizes = `burst ${hostLink.burstBytesMin} cburst ${hostLink.burstBytesMin} quantum ${hostLink.burstBytesMin}`
  const classOf = (index: number) => `1:${(index + 3).toString(16)}`
  const lines = [
    `qdisc add dev ${device} root handle 1: htb default 2`,
    `class add dev ${device} parent 1: classid 1:1 htb rate ${rate}bit ${sizes}`,
    `class add dev ${device} parent 1:1 classid 1:2 htb ${share} ${sizes}`,
    ...destinations.flatMap((address, index) => [
      `class add dev ${device} parent 1:1 classid ${classOf(index)} htb ${share} ${sizes}`,
      `filter add dev ${device} parent 1: protocol ip u32 match ip dst ${address}/32 flowid ${classOf(index)}`,
    ]),
  ]
  return `tc -batch - <<'LINES'\n${lines.join('\n')}\nLINES`
}

function tokenBucket(device: string, bitsPerSecond: number, link: typeof uplink | typeof hostLink): string {
  const bytesPerMs = bitsPerSecond / 8 / 1000
  const burstBytes = Math.max(link.burstBytesMin, Math.ceil(bytesPerMs * link.burstMs))
  const limitBytes = Math.ceil(bytesPerMs * link.queueMs) + burstBytes
  const rate = `rate ${Math.round(bitsPerSecond)}bit burst ${burstBytes} limit ${limitBytes}`
  return `tc qdisc add dev ${device} root tbf ${rate}`
}
