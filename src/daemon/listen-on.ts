/**
 * Listens on an address, or on its IPv4 part: `[::]` stands for all addresses of a machine, and a machine whose kernel
 * has no IPv6 has IPv4 addresses only. Node has the same fallback, but not for a listener with an explicit address.
 */
import type { ListenAddress } from '../config/values.ts'
import { InputError } from '../core/errors.ts'

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

const LISTEN_HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE:
    'another program listens there; stop it, or change listen in the configuration (port 0 picks a free one)',
  EADDRNOTAVAIL: 'this machine does not have that address; change listen in the configuration',
  EACCES: 'this user may not listen there; use a port above 1023, or give the service CAP_NET_BIND_SERVICE',
}

/** An `InputError` with advice where the address cannot be used; any other error unchanged. */
export function explainListenError(error: unknown): unknown {
  const { code, address, port } = error as { code?: string; address?: string; port?: number }
  const hint = LISTEN_HINTS[code ?? '']
  return hint === undefined || address === undefined
    ? error
    : new InputError(`cannot listen on ${address}:${port ?? ''}: ${hint}`)
}
