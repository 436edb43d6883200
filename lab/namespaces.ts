/**
 * The network of one run: a router in the middle, one namespace with a bridge per site, one namespace per host.
 *
 *   host ─veth─ bridge of its site ─ router of its site ═shaped link═ core ─ trackers
 *
 * It is built inside a network, mount and process namespace that `run-scenario.ts` created for this run alone, so the
 * kernel removes all of it when this program ends, in any way. The core is that namespace itself.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { shapeHost, shapeSwitchPort, shapeUplink } from './link-shaping.ts'
import { wanRate } from './wan-rate.ts'
import {
  type LabHost,
  type LabShape,
  OBSERVER_ADDRESS,
  siteCidr,
  siteName,
  siteNumbers,
  siteRouterAddress,
} from './plan.ts'

const execute = promisify(execFile)

/** Name of the core's end of a site's uplink; the byte counters of a site are read from this interface. */
export const uplinkInterface = (site: number) => `wan-${siteName(site)}`
const siteNamespace = (site: number) => `site-${siteName(site)}`

export interface NetworkRates {
  readonly wanBitsPerSecond: number
  /** Overrides by site number. */
  readonly wanBitsPerSecondOfSite?: Readonly<Record<number, number>>
  readonly nicBitsPerSecond: number
  /** Overrides by the name of a host. */
  readonly nicBitsPerSecondOfHost?: ReadonlyMap<string, number>
  /** Congestion control of every host, by the kernel's name. */
  readonly congestion: string
}

/** Runs a shell script in a network namespace, or in the core without one. Fails with the script's error output. */
export async function runIn(namespace: string | undefined, script: string): Promise<void> {
  const enter = namespace === undefined ? [] : [`--net=/run/netns/${namespace}`]
  await execute('nsenter', [...enter, 'sh', '-ec', script])
}

/** The command line that runs a program in a namespace. The process keeps its id: `nsenter` becomes the program. */
export function commandIn(namespace: string, command: readonly string[]): [string, string[]] {
  return ['nsenter', [`--net=/run/netns/${namespace}`, '--', ...command]]
}

export async function buildNetwork(
  shape: LabShape,
  hosts: readonly LabHost[],
  rates: NetworkRates,
): Promise<void> {
  await runIn(
    undefined,
    // Each namespace gets its own small connection table: reading the shared one for one host reads all of it.
    `mkdir -p /run/netns
     ${baseSetup}
     sysctl -qw net.ipv4.ip_forward=1
     [ ! -e /proc/sys/net/ipv4/tcp_child_ehash_entries ] || sysctl -qw net.ipv4.tcp_child_ehash_entries=1024
     ip addr add ${OBSERVER_ADDRESS}/32 dev lo`,
  )
  for (const site of siteNumbers(shape)) await addSite(site, rates)
  for (const host of hosts) await addHost(host, hosts, rates)
}

/** Adds a namespace for a tracker, reachable from all sites, with any number of addresses. */
export async function addTrackerNamespace(name: string, addresses: readonly string[]): Promise<void> {
  const [gateway, port] = ['10.0.0.1', `to-${name}`]
  await runIn(
    undefined,
    `ip netns add ${name}
     ip link add ${port} type veth peer name eth0 netns ${name}
     ip addr add ${gateway}/32 dev ${port}
     ip link set ${port} up
     ${addresses.map((address) => `ip route add ${address}/32 dev ${port}`).join('\n')}`,
  )
  await runIn(
    name,
    `${baseSetup}
     ${addresses.map((address) => `ip addr add ${address}/32 dev eth0`).join('\n')}
     ip link set eth0 up
     ip route add ${gateway}/32 dev eth0
     ip route add default via ${gateway}`,
  )
}

/** Adds a namespace for a node of a site's own tracker, on the bridge of the site. Without a rate its link is not limited. */
export async function addSiteTrackerNamespace(
  name: string,
  site: number,
  address: string,
  bitsPerSecond: number | undefined,
): Promise<void> {
  const port = `p-${name}`
  await runIn(undefined, `ip netns add ${name}`)
  await runIn(
    siteNamespace(site),
    `ip link add ${port} type veth peer name eth0 netns ${name}
     ip link set ${port} master lan up
     ${bitsPerSecond === undefined ? '' : shapeSwitchPort(port, bitsPerSecond)}
     ip route replace ${OBSERVER_ADDRESS}/32 via 10.255.${site}.1`,
  )
  await runIn(
    name,
    `${baseSetup}
     ip addr add ${address}/16 dev eth0
     ip link set eth0 up
     ip route add default via ${siteRouterAddress(site)}
     ip route add ${OBSERVER_ADDRESS}/32 via ${siteRouterAddress(site)}
     ${bitsPerSecond === undefined ? '' : shapeSwitchPort('eth0', bitsPerSecond)}`,
  )
}

async function addSite(site: number, rates: NetworkRates): Promise<void> {
  const [namespace, uplink] = [siteNamespace(site), uplinkInterface(site)]
  const bitsPerSecond = wanRate(rates, site)
  await runIn(
    undefined,
    `ip netns add ${namespace}
     ip link add ${uplink} type veth peer name wan netns ${namespace}
     ip addr add 10.255.${site}.1/30 dev ${uplink}
     ip link set ${uplink} up
     ip route add ${siteCidr(site)} via 10.255.${site}.2
     ${shapeUplink(uplink, bitsPerSecond)}`,
  )
  await runIn(
    namespace,
    `${baseSetup}
     sysctl -qw net.ipv4.ip_forward=1
     [ ! -e /proc/sys/net/bridge ] || sysctl -qw net.bridge.bridge-nf-call-iptables=0
     ip link add lan type bridge
     ip addr add ${siteRouterAddress(site)}/16 dev lan
     ip link set lan up
     ip addr add 10.255.${site}.2/30 dev wan
     ip link set wan up
     ip route add default via 10.255.${site}.1
     ${shapeUplink('wan', bitsPerSecond)}`,
  )
}

async function addHost(host: LabHost, hosts: readonly LabHost[], rates: NetworkRates): Promise<void> {
  const port = `p-${host.name}`
  const bitsPerSecond = rates.nicBitsPerSecondOfHost?.get(host.name) ?? rates.nicBitsPerSecond
  const others = hosts.filter((other) => other !== host).map(({ address }) => address)
  await runIn(undefined, `ip netns add ${host.name}`)
  await runIn(
    siteNamespace(host.site),
    `ip link add ${port} type veth peer name eth0 netns ${host.name}
     ip link set ${port} master lan up
     ${shapeSwitchPort(port, bitsPerSecond)}`,
  )
  // The congestion control is set per route, because the system-wide list of allowed ones must not change.
  const congestion = `congctl ${rates.congestion}`
  await runIn(
    host.name,
    `${baseSetup}
     ip addr add ${host.address}/16 dev eth0 noprefixroute
     ip link set eth0 up
     ip route add ${siteCidr(host.site)} dev eth0 ${congestion}
     ip route add default via ${siteRouterAddress(host.site)} ${congestion}
     ${shapeHost('eth0', bitsPerSecond, others)}`,
  )
}

/**
 * Drops all packets between hosts of different sites. Nodes and trackers have 0 in the third octet of their addresses, and
 * reach all hosts.
 */
export async function isolateSites(): Promise<void> {
  const isHost = (end: string) => `ip ${end} & 0.0.255.0 != 0.0.0.0`
  const rules = [
    'table ip isolated_sites {',
    '  chain forward {',
    '    type filter hook forward priority 0; policy accept;',
    `    ${isHost('saddr')} ${isHost('daddr')} drop`,
    '  }',
    '}',
  ]
  await runIn(undefined, `nft -f - <<'RULES'\n${rules.join('\n')}\nRULES`)
}

/** Drops all packets of a site's uplink in both directions, as a cut line does: no reset and no error. */
export async function cutUplink(site: number): Promise<void> {
  await runIn(undefined, `ip route replace blackhole ${siteCidr(site)}`)
  await runIn(siteNamespace(site), 'ip route replace blackhole default')
}

export async function restoreUplink(site: number): Promise<void> {
  await runIn(undefined, `ip route replace ${siteCidr(site)} via 10.255.${site}.2`)
  await runIn(siteNamespace(site), `ip route replace default via 10.255.${site}.1`)
}

/**
 * Takes the link of a host down at its switch port, as a pulled cable does: packets are lost in both directions, and no
 * connection is reset.
 */
export async function cutHostLink(host: LabHost): Promise<void> {
  await runIn(siteNamespace(host.site), `ip link set p-${host.name} down`)
}

/** IPv6 is off: neighbour discovery would count as traffic, and clients would announce twice. */
const baseSetup = `ip link set lo up
     [ ! -e /proc/sys/net/ipv6 ] || sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1`
