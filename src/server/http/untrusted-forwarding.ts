/**
 * Reports of forwarding that is not used: invalid PROXY headers of trusted proxies, and headers from addresses outside `trustedProxies`. Such a header is ignored, so a proxy that is
 * missing in `trustedProxies` makes all its clients one peer in the site of the proxy: the log names each such address
 * once, and a counter has all requests.
 *
 * Any client can send such a header. The log therefore names a bounded number of addresses.
 */
import type { Address } from '../../core/address.ts'
import type { Log } from '../../core/log.ts'

/** A site has a few proxies; more addresses are clients that send the header themselves. */
const ADDRESSES_MAX = 100

export class UntrustedForwarding {
  readonly #log: Pick<Log, 'warn'>
  readonly #count: () => void
  readonly #reported = new Set<string>()

  constructor(log: Pick<Log, 'warn'>, count: () => void) {
    this.#log = log
    this.#count = count
  }

  report(from: Address, header: string): void {
    this.#count()
    if (this.#reported.size >= ADDRESSES_MAX) return
    const address = from.toString()
    if (this.#reported.has(address)) return
    this.#reported.add(address)
    this.#log.warn(
      { event: 'forwarding-untrusted', address, header },
      'a forwarding header is ignored: the address is not in trustedProxies; if it is a proxy, add it there, ' +
        'else all its clients count as one peer at this address',
    )
  }

  /** The caller counts the rejected connection. */
  reportInvalid(from: string, reason: string): void {
    const key = `invalid ${from}`
    if (this.#reported.has(key) || this.#reported.size >= ADDRESSES_MAX) return
    this.#reported.add(key)
    this.#log.warn(
      { event: 'proxy-header-invalid', address: from, reason },
      'a trusted proxy sent an invalid PROXY header; its connection is closed',
    )
  }
}
