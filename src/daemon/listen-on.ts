/**
 * Listens on an address, or on its IPv4 part: `[::]` is all addresses of a machine, and a machine whose kernel has no
 * IPv6 has only those of IPv4. As in Node's own default, which a listener with an explicit address does not have.
 */
import type { ListenAddress } from '../config/values.ts'

/** `start` returns the port. Returns the address that the listener has. */
export async function listenOn(
  at: ListenAddress,
  start: (at: ListenAddress) => Promise<number>,
): Promise<ListenAddress> {
  try {
    return { host: at.host, port: await start(at) }
  } catch (error) {
    if (at.host !== '::' || (error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT') throw error
    return { host: '0.0.0.0', port: await start({ host: '0.0.0.0', port: at.port }) }
  }
}
