/**
 * The links between the sites of a topology: those of the file, and the default of all others.
 *
 * By default nodes carry content between two sites that both have nodes. Sites with federation URLs have nodes of their
 * own. In a topology without any, the nodes that run are those of all sites.
 */
import { assert } from '../core/assert.ts'
import type { TopologyFile } from './schema.ts'
import { type Carry, INSIDE_SITE, type Site, type SiteLink, UNMAPPED_SITE } from './topology.ts'

const CARRIED: SiteLink = INSIDE_SITE
const DIRECT: SiteLink = { carry: 'direct', rate: undefined, hours: undefined }

/** Names of the sites that have nodes. */
export function sitesWithNodes(
  sites: readonly { readonly name: string; readonly federation: readonly string[] }[],
): ReadonlySet<string> {
  const federated = sites.filter(({ federation }) => federation.length > 0)
  return new Set((federated.length > 0 ? federated : sites).map(({ name }) => name))
}

export class SiteLinks {
  /** By site index. */
  readonly #hasNodes: readonly boolean[]
  /** Links of the file, by `a * sites + b` with a < b. */
  readonly #given = new Map<number, SiteLink>()

  constructor(sites: readonly Site[], links: TopologyFile['links']) {
    const withNodes = sitesWithNodes(sites.filter(({ name }) => name !== UNMAPPED_SITE))
    this.#hasNodes = sites.map(({ name }) => withNodes.has(name))
    const indexes = new Map(sites.map(({ name, index }) => [name, index]))
    for (const { between, carry, rate, hours, contact } of links) {
      const [a, b] = between.map((name) => indexes.get(name))
      assert(a !== undefined && b !== undefined && a !== b, 'a link joins two sites of this topology')
      const given = { carry: carry ?? this.#default(a, b).carry, rate, hours, contact }
      this.#given.set(this.#key(a, b), given)
    }
  }

  of(a: number, b: number): SiteLink {
    if (a === b) return INSIDE_SITE
    return this.#given.get(this.#key(a, b)) ?? this.#default(a, b)
  }

  carryOf(a: number, b: number): Carry {
    return this.of(a, b).carry
  }

  #default(a: number, b: number): SiteLink {
    return this.#hasNodes[a] === true && this.#hasNodes[b] === true ? CARRIED : DIRECT
  }

  #key(a: number, b: number): number {
    return Math.min(a, b) * this.#hasNodes.length + Math.max(a, b)
  }
}
