/** Clients of the laboratory, and the mixes of them. */
import { InputError } from '../../src/core/errors.ts'
import { aria2 } from './aria2.ts'
import type { ClientKind } from './client.ts'
import { libtorrent, libtorrent21 } from './libtorrent.ts'
import { qbittorrent } from './qbittorrent.ts'
import { rtorrent } from './rtorrent.ts'
import { transmission } from './transmission.ts'

export const clientKinds: readonly ClientKind[] = [
  libtorrent,
  libtorrent21,
  aria2,
  transmission,
  rtorrent,
  qbittorrent,
]

/** `mixed` is the mix of the published figures; any other mix is given as a list: `aria2,rtorrent`. */
const mixed: readonly ClientKind[] = [libtorrent, aria2, transmission]

/** Clients of a swarm, assigned to its hosts round-robin; the source gets the first. */
export function clientsNamed(names: string): readonly ClientKind[] {
  if (names === 'mixed') return mixed
  return names.split(',').map((name) => {
    const kind = clientKinds.find((candidate) => candidate.name === name)
    if (kind !== undefined) return kind
    const known = [...clientKinds.map((candidate) => candidate.name), 'mixed'].join(', ')
    throw new InputError(`unknown client "${name}"; known: ${known}`)
  })
}
