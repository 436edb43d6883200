/**
 * Hosts with a closed client port: a stateful host firewall that allows outgoing connections and their replies, and drops
 * or rejects new connections to the port of the BitTorrent client, TCP and UDP.
 *
 * nftables does the filtering, because it tracks connections: a closed host still uses uTP in the outgoing direction.
 */
import { SeededRandom } from '../src/core/random.ts'
import { runIn } from './namespaces.ts'
import type { LabHost } from './plan.ts'

export interface ClosedPorts {
  /** Share of the leechers, drawn at random. */
  readonly share: number
  /** Names of hosts that are closed in addition to the draw; sources are allowed. */
  readonly hosts: readonly string[]
  /** Sites all of whose hosts are closed, except sources. */
  readonly sites?: readonly number[]
  readonly mode: 'drop' | 'reject'
  /** The first leecher of each site, which is usually its gateway, is part of the draw. */
  readonly includesFirstHosts: boolean
}

/**
 * Names of the closed hosts, in the order of `hosts`. The same seed draws the same hosts. `sources` are the names of the
 * hosts that are never drawn: a closed source beside closed gateways leaves a site without any possible connection.
 */
export function drawClosedHosts(
  closed: ClosedPorts,
  hosts: readonly LabHost[],
  sources: ReadonlySet<string>,
  seed: number,
): string[] {
  const leechers = hosts.filter(({ name }) => !sources.has(name))
  const drawn = new Set<string>()
  if (closed.includesFirstHosts)
    for (const host of leechers)
      if (leechers.find(({ site }) => site === host.site) === host) drawn.add(host.name)
  const random = new SeededRandom(seed)
  const candidates = leechers.map(({ name }) => name).filter((name) => !drawn.has(name))
  while (drawn.size < Math.round(closed.share * leechers.length) && candidates.length > 0) {
    const [name] = candidates.splice(random.below(candidates.length), 1)
    if (name !== undefined) drawn.add(name)
  }
  for (const { name, site } of leechers) if (closed.sites?.includes(site) === true) drawn.add(name)
  return hosts.map(({ name }) => name).filter((name) => drawn.has(name) || closed.hosts.includes(name))
}

export async function closePort(host: LabHost, port: number, mode: ClosedPorts['mode']): Promise<void> {
  await runIn(host.name, `nft -f - <<'RULES'\n${closedPortRules(port, mode)}\nRULES`)
}

/** A rejected TCP connection is reset, as by a host without a listener; UDP gets an ICMP error. */
export function closedPortRules(port: number, mode: ClosedPorts['mode']): string {
  const [tcp, udp] = mode === 'drop' ? ['drop', 'drop'] : ['reject with tcp reset', 'reject']
  return [
    'table inet closed_port {',
    '  chain input {',
    '    type filter hook input priority 0; policy accept;',
    '    ct state established,related accept',
    `    tcp dport ${port} ${tcp}`,
    `    udp dport ${port} ${udp}`,
    '  }',
    '}',
  ].join('\n')
}
