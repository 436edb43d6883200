/** Hosts of a rollout, over all sites and all pages of their lists. */
import type { HostPage, RolloutHost } from '../api/responses.ts'

export interface Host extends RolloutHost {
  readonly site: string
}

export interface HostLists {
  readonly hosts: readonly Host[]
  /** Sites whose nodes do not answer, each as a sentence. */
  readonly problems: readonly string[]
  /** Equal if nothing has changed. */
  readonly texts: readonly string[]
}

const PAGE = 1_000

/** The node fetches the list of a remote site from a node of that site; a site that fails does not hide the others. */
export async function readHosts(
  infoHash: string,
  sites: readonly string[],
  read: (path: string) => Promise<string>,
): Promise<HostLists> {
  const texts: string[] = []
  const hosts: Host[] = []
  const problems: string[] = []
  for (const site of sites) {
    try {
      for (let after: string | null = ''; after !== null;) {
        const query = new URLSearchParams({ site, limit: String(PAGE), ...(after === '' ? {} : { after }) })
        const text = await read(`/api/v1/rollouts/${infoHash}/hosts?${query.toString()}`)
        const page = JSON.parse(text) as HostPage
        texts.push(text)
        for (const host of page.hosts) hosts.push({ ...host, site })
        after = page.next
      }
    } catch (error) {
      if (sites.length === 1) throw error
      problems.push(`${site}: ${error instanceof Error ? error.message : 'not known'}`)
      texts.push(site)
    }
  }
  return { hosts, problems, texts }
}
