/** `explain`: the handout that a client would get now, each peer with its reason, from a running node. */
import { parseAddress } from '../../core/address.ts'
import { parseInfoHash } from '../../core/info-hash.ts'
import type { Explanation } from '../../server/admin/answers/explanation.ts'
import { type Command, exitCodes } from '../command.ts'
import { adminFlags, AdminRefused, AdminUnreachable, sendAdminRequest } from '../admin-request.ts'

export const explainCommand: Command = {
  examples: [
    'siteswarm explain 2bcb3dab253c7e8c9355b33f262efadd63005087 127.2.1.5:6881',
    'siteswarm explain 2bcb3dab253c7e8c9355b33f262efadd63005087 fd00:1::7 --url http://t1.fra.example:6970 --json',
  ],
  flags: adminFlags,
  async run([infoHash = '', client = ''], flags, context) {
    const endpoint = readEndpoint(client)
    if (parseInfoHash(infoHash) === undefined) {
      context.err(`explain: ${JSON.stringify(infoHash)} is not an infohash: expected 40 hexadecimal digits`)
      return exitCodes.usage
    }
    if (endpoint === undefined) {
      context.err(
        `explain: ${JSON.stringify(client)} is not a client; write 10.1.2.3:6881, [fd00::7]:6881, or only an address`,
      )
      return exitCodes.usage
    }
    const query = new URLSearchParams({ info_hash: infoHash, ip: endpoint.ip })
    if (endpoint.port !== undefined) query.set('port', endpoint.port)
    try {
      const answer = await sendAdminRequest({ path: `/api/v1/explain?${query.toString()}` }, flags, context)
      if (flags['json'] === true) context.out(JSON.stringify(answer))
      else for (const line of describe(answer as Explanation, client)) context.out(line)
      return exitCodes.yes
    } catch (error) {
      if (!(error instanceof AdminRefused) && !(error instanceof AdminUnreachable)) throw error
      context.err(`explain: ${error.message}`)
      return error instanceof AdminUnreachable ? exitCodes.unreachable : exitCodes.no
    }
  },
}

function readEndpoint(text: string): { readonly ip: string; readonly port: string | undefined } | undefined {
  const parts = /^\[(.+)\](?::(\d{1,5}))?$/.exec(text) ?? /^([^:]+):(\d{1,5})$/.exec(text)
  const ip = parts?.[1] ?? text
  const port = parts?.[2]
  if (parseAddress(ip) === undefined) return undefined
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return undefined
  return { ip, port }
}

function describe(explanation: Explanation, client: string): string[] {
  const {
    site,
    bubble,
    state,
    role,
    isKnown,
    isGateway,
    observed,
    isDecidedHere,
    becomesGateway,
    carrier,
    loopbackWithheld,
    peers,
  } = explanation
  const who = isKnown
    ? { leecher: 'a leecher', seed: 'a seed', partial: 'a partial seed' }[role]
    : 'a new leecher'
  const place = `${site ?? '?'}/${bubble ?? '?'}`
  if (!isDecidedHere && !isKnown)
    return [
      `${client} would be in ${place}, and ${site ?? '?'} decides for its own clients; it does not advertise this one. Query a node of ${site ?? '?'}.`,
      'This node would hand out no peers to it.',
    ]
  const lines = [`${client} is ${who} in ${place}; there, this torrent is ${state}.`]
  if (typeof observed === 'string') lines.push(`The node: ${observed}.`)
  if (typeof explanation.problem === 'string') lines.push(`${explanation.problem}.`)
  if (carrier !== null) lines.push(describeCarrier(carrier))
  if (isGateway) lines.push('It is the gateway through which its site fetches.')
  if (!isDecidedHere)
    lines.push(
      `${site ?? '?'} decides for its own clients. This node hands out only the upstream that was chosen there; query a node of ${site ?? '?'} for the rest.`,
    )
  if (becomesGateway !== null) lines.push(`It would become the gateway of its site (${becomesGateway}).`)
  if (carrier?.isHandedOut === true) lines.push('It would receive the address of the carrier as a peer.')
  else if (peers.length === 0) lines.push('It would receive no peers.')
  if (loopbackWithheld > 0)
    lines.push(
      `${loopbackWithheld} ${loopbackWithheld === 1 ? 'peer on a loopback address is' : 'peers on loopback addresses are'} withheld: this client cannot reach them. Let them announce to the real address of the tracker.`,
    )
  const width = Math.max(...peers.map((peer) => formatEndpoint(peer).length), 0)
  for (const peer of peers)
    lines.push(
      `  ${formatEndpoint(peer).padEnd(width)}  ${peer.ring.padEnd(6)}  ${peer.site ?? '?'}/${peer.bubble ?? '?'}  ${peer.because}${typeof peer.observed === 'string' ? ` (${peer.observed})` : ''}`,
    )
  return lines
}

function describeCarrier({
  node,
  isHere,
  transport,
  upstreamSite,
}: NonNullable<Explanation['carrier']>): string {
  const who = isHere ? 'this node' : `node ${node}`
  if (transport === 'direct')
    return `The carrier of the site, ${who}, does not fetch for it: it finds no carrier of another site to fetch from, or is in another site and the clients of this one do not exchange pieces. A host of the site fetches.`
  if (transport === 'settling') return `The carrier of the site, ${who}, looks for a site to fetch from.`
  return `Carried by ${who}${upstreamSite === null ? '' : `, which fetches from ${upstreamSite}`}.`
}

function formatEndpoint({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
