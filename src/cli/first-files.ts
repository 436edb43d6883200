/** Text of the first configuration and topology that `init` writes. */
import type { NetworkInterfaceInfo } from 'node:os'
import { parseAddress } from '../core/address.ts'
import { InputError } from '../core/errors.ts'
import { firstAddress } from '../topology/address-range.ts'
import { isPrefixProblem, readPrefix } from '../topology/prefix.ts'

export interface FirstSite {
  readonly name: string
  readonly cidrs: readonly string[]
}

export const TOKEN_FILES = {
  operate: 'admin-token',
  read: 'admin-read-token',
  federation: 'federation-token',
} as const

/** Reads `fra=10.1.0.0/16,fd00:1::/48`. */
export function readSite(text: string): FirstSite {
  const [, name = '', list = ''] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (name === '')
    throw new InputError(
      `--site ${JSON.stringify(text)}: write the name and the prefixes, such as fra=10.1.0.0/16`,
    )
  const cidrs = list.split(',').map((cidr) => cidr.trim())
  for (const cidr of cidrs) {
    const prefix = readPrefix(cidr)
    if (isPrefixProblem(prefix)) throw new InputError(`--site ${name}: ${prefix.what}`)
  }
  return { name, cidrs }
}

/** Networks of this machine, without loopback and link-local ones. */
export function networksOf(
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
): string[] {
  const found = Object.values(interfaces)
    .flatMap((each) => each ?? [])
    .flatMap(({ internal, address: text, cidr }) => {
      const address = parseAddress(text)
      const lengthBits = Number(cidr?.split('/')[1])
      if (internal || address === undefined || address.isLinkLocal || Number.isNaN(lengthBits)) return []
      return [`${firstAddress(address, lengthBits).toString()}/${lengthBits}`]
    })
  return [...new Set(found)]
}

export function configurationText(sites: readonly FirstSite[]): string {
  const [own] = sites
  return `# yaml-language-server: $schema=./siteswarm.schema.json

# Configuration of one node. docs/reference/configuration.md has all keys and their defaults.
site: ${quote(own?.name ?? '')}
topology: ./topology.yaml
dataDirectory: ./data

# Other machines reach the admin listener with a token: one to operate, one that only reads.
listen: { admin: '[::]:6970' }
admin: { tokenFile: ./${TOKEN_FILES.operate}, readTokenFile: ./${TOKEN_FILES.read} }
${
  sites.length > 1
    ? `\n# The same token on all nodes of all sites.\nfederation: { tokenFile: ./${TOKEN_FILES.federation} }\n`
    : ''
}`
}

export function topologyText(sites: readonly FirstSite[], host: string): string {
  const name = host.includes(':') ? `[${host}]` : host
  const blocks = sites.map(({ name: site, cidrs }, index) => {
    const list = cidrs.map(quote).join(', ')
    const lines = [`  ${quote(site)}:`, `    cidrs: [${list}]`]
    if (index === 0)
      return [
        ...lines,
        `    trackers: [${quote(`http://${name}:6969/announce`)}]`,
        ...(sites.length > 1 ? [`    federation: [${quote(`http://${name}:6970`)}]`] : []),
      ].join('\n')
    return [
      ...lines,
      '    # trackers: [http://HOST:6969/announce]',
      '    # federation: [http://HOST:6970]',
    ].join('\n')
  })
  return `# yaml-language-server: $schema=./topology.schema.json

# Sites with their addresses. The same file on all nodes of all sites; docs/reference/topology.md describes every key.
sites:
${blocks.join('\n\n')}

# Addresses outside all prefixes: refuse, isolate, or the name of a site.
unmapped: refuse
`
}

/** A string of YAML: a name such as `on`, or an IPv6 prefix, would be read as something else without quotes. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
