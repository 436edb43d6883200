/**
 * Listens on an address, or on its IPv4 part: `[::]` stands for all addresses of a machine, and a machine whose kernel
 * has no IPv6 has IPv4 addresses only. Node has the same fallback, but not for a listener with an explicit address.
 */
import type { ListenAddress } from '../config/values.ts'

/** URLs of the listeners of a node, with the ports that the system chose where the configuration has port 0. */
export interface NodeAddresses {
  readonly http: string
  readonly udp: string
  readonly admin: string
}

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

export function urlsOf(
  { http, udp, admin }: Readonly<Record<keyof NodeAddresses, ListenAddress>>,
  hasTls: boolean,
): NodeAddresses {
  const scheme = hasTls ? 'https' : 'http'
  return {
    http: `${scheme}://${authority(http)}`,
    udp: `udp://${authority(udp)}`,
    admin: `${scheme}://${authority(admin)}`,
  }
}

function authority({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
