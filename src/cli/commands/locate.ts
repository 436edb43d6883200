/** `locate`: the site and bubble of addresses, and the prefix that decides. */
import { loadTopologyFile } from '../../config/load-topology.ts'
import { type Address, parseAddress } from '../../core/address.ts'
import type { Topology } from '../../topology/topology.ts'
import { type Command, exitCodes } from '../command.ts'
import { topologyFlag, topologyPath } from '../topology-argument.ts'

interface Located {
  readonly address: string
  /** null if the address is refused. */
  readonly site: string | null
  readonly bubble: string | null
  /** null if no prefix contains the address and `unmapped` decided. */
  readonly prefix: string | null
}

export const locateCommand: Command = {
  examples: [
    'siteswarm locate 127.1.1.5 127.2.2.7',
    'siteswarm locate fd00:1::7 --topology topology.yaml --json',
  ],
  flags: [topologyFlag],
  async run(args, flags, context) {
    const addresses = args.map(parseAddress)
    const bad = args.filter((_text, index) => addresses[index] === undefined)
    for (const text of bad)
      context.err(`locate: ${JSON.stringify(text)} is not an IP address; write 10.1.2.3 or fd00::7`)
    if (bad.length > 0) return exitCodes.usage

    const path = topologyPath(flags, context)
    const topology = loadTopologyFile(path)
    const located = addresses
      .filter((address) => address !== undefined)
      .map((address) => locate(topology, address))
    if (flags['json'] === true)
      context.out(JSON.stringify({ topology: path, unmapped: topology.unmapped, located }))
    else for (const line of describe(located, topology)) context.out(line)
    return located.some(({ site }) => site === null) ? exitCodes.no : exitCodes.yes
  },
}

function locate(topology: Topology, address: Address): Located {
  const match = topology.match(address)
  return {
    address: address.toString(),
    site: match?.place.site.name ?? null,
    bubble: match?.place.bubble ?? null,
    prefix: match?.prefix ?? null,
  }
}

function describe(located: readonly Located[], { unmapped }: Topology): string[] {
  const width = Math.max(...located.map(({ address }) => address.length))
  return located.map(({ address, site, bubble, prefix }) => {
    const start = address.padEnd(width)
    if (site === null) return `${start}  unmapped: outside all prefixes, refused`
    const because = prefix === null ? `outside all prefixes (unmapped: ${unmapped})` : `prefix ${prefix}`
    return `${start}  site ${site}  bubble ${bubble}  ${because}`
  })
}
