/**
 * Decides which redirects of an HTTP origin are followed.
 *
 * A redirect to the host of the origin itself is always followed. The address of another host is checked where it is
 * written in the URL, and otherwise when the connection is opened, so that a name cannot resolve to another address in
 * between. A proxy resolves names itself, so that names are not checked behind one.
 */
import { lookup, type LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { type Address, parseAddress } from '../core/address.ts'
import { OriginError } from './origin-error.ts'

/** Whether a redirect to another host at this address is followed. */
export type RedirectRule = (address: Address) => boolean

export class RedirectGuard {
  readonly #rule: RedirectRule
  readonly #label: string
  readonly #originHost: string

  /** `label`: of the origin, for messages. */
  constructor(rule: RedirectRule, origin: URL, label: string) {
    this.#rule = rule
    this.#label = label
    this.#originHost = hostOf(origin)
  }

  /** Throws an `OriginError` if the host of the URL is an address to which no redirect is followed. */
  check(target: URL): void {
    if (hostOf(target) !== this.#originHost) this.#checkAddress(hostOf(target))
  }

  readonly lookup: LookupFunction = (hostname, options, callback) => {
    lookup(hostname, options, (error, found: string | LookupAddress[], family) => {
      if (error !== null || hostname === this.#originHost) return callback(error, found, family)
      try {
        for (const each of typeof found === 'string' ? [found] : found)
          this.#checkAddress(typeof each === 'string' ? each : each.address)
      } catch (refused) {
        return callback(refused as Error, found, family)
      }
      callback(null, found, family)
    })
  }

  #checkAddress(text: string): void {
    const address = parseAddress(text)
    if (address !== undefined && !this.#rule(address))
      throw new OriginError(
        'unusable',
        `${this.#label}: it redirects to ${address.toString()}, which is loopback, link-local or a metadata service; ` +
          'register the URL of the content itself, or list the address in origin.redirectsTo',
      )
  }
}

/** Without the brackets of an IPv6 address. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1')
}
