/**
 * Reports of clients whose address is not what it seems. The node answers such a client as any other, so a counter and a
 * line in the log are the only signs. The log names each address once, and a bounded number of them.
 */
import type { Address } from '../core/address.ts'
import type { Log } from '../core/log.ts'
import type { AddressReporter } from '../tracker/ports.ts'

/** More are a defect of the network, which a hundred lines show as well as a thousand. */
const ADDRESSES_MAX = 100

export class AddressReports implements AddressReporter {
  readonly #counters: { sharedEndpoints: number; loopbackWithheld: number }
  readonly #log: Pick<Log, 'warn'>
  readonly #endpoints = new Set<string>()
  readonly #loopback = new Set<string>()

  constructor(counters: { sharedEndpoints: number; loopbackWithheld: number }, log: Pick<Log, 'warn'>) {
    this.#counters = counters
    this.#log = log
  }

  sharedEndpoint(address: Address, port: number): void {
    this.#counters.sharedEndpoints++
    const endpoint = `${address.isV4 ? address.toString() : `[${address.toString()}]`}:${port}`
    if (!isFirst(this.#endpoints, endpoint)) return
    this.#log.warn(
      { event: 'shared-endpoint', endpoint },
      'several clients announce from one address and port, and only the first one is recorded: give each a port of its own, or an address that the tracker and other hosts can reach',
    )
  }

  loopbackWithheld(address: Address): void {
    this.#counters.loopbackWithheld++
    const text = address.toString()
    if (!isFirst(this.#loopback, text)) return
    this.#log.warn(
      { event: 'loopback-withheld', address: text },
      'a peer on a loopback address is not handed out to other hosts, which cannot reach it: let it announce to the real address of the tracker, not to a loopback address',
    )
  }
}

function isFirst(reported: Set<string>, key: string): boolean {
  if (reported.has(key) || reported.size >= ADDRESSES_MAX) return false
  reported.add(key)
  return true
}
