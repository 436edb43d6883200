/**
 * Expected hosts that have not announced. An operator expects numbers of hosts, so that they have no address: they are counted,
 * in the bubbles that have a number, and otherwise at the site.
 *
 * The dashboard uses it too, so that it imports nothing of Node.js.
 */
import type { SiteAnswer } from './rollout-answer.ts'

export interface AbsentHosts {
  /** `fra`, or `fra/row-a`. */
  readonly place: string
  readonly absent: number
  readonly expected: number
}

/** Of sites where hosts have announced: before the first one, all of a site are absent. */
export function absentHosts(sites: readonly Pick<SiteAnswer, 'site' | 'hosts' | 'bubbles'>[]): AbsentHosts[] {
  return sites.flatMap(({ site, hosts, bubbles }) => {
    if (hosts.seen === 0 || hosts.absent === 0) return []
    const counted = bubbles.filter((bubble) => bubble.hosts.absent > 0)
    const inBubbles = counted.reduce((sum, bubble) => sum + bubble.hosts.absent, 0)
    const places = counted.map((bubble) => describe(`${site}/${bubble.bubble}`, bubble.hosts))
    return inBubbles >= hosts.absent ? places : [describe(site, hosts), ...places]
  })
}

export function absentSentence({ absent, expected }: AbsentHosts): string {
  return `${absent} of ${expected} expected hosts ${absent === 1 ? 'has' : 'have'} not announced`
}

function describe(place: string, { absent, expected }: SiteAnswer['hosts']): AbsentHosts {
  return { place, absent, expected: expected ?? 0 }
}
