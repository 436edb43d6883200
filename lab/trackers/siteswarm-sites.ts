/**
 * siteswarm in several sites: each site has its own nodes and a Redis on the site's network, joined by federation over
 * the shaped links, so that federation traffic is counted. The other sites' trackers are the fallback, which is the default
 * of a topology file.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeTorrent } from '../content.ts'
import { type LabShape, siteCidr, siteName, siteNumbers, siteTrackerAddress } from '../plan.ts'
import { bubbleLines, linkLines, rewrittenTorrent } from './rewritten-torrent.ts'
import { SiteCluster } from './site-cluster.ts'
import { siteswarm } from './siteswarm.ts'
import { type TrackerKind, announceUrl } from './tracker.ts'

export const siteswarmSites: TrackerKind = {
  name: 'siteswarm-sites',
  summary: 'nodes (--nodes) and one Redis in each site, joined by federation',
  isSiteswarm: true,
  requires: (program) => [
    ...siteswarm.requires(program),
    { program: 'redis-server', install: 'apt-get install redis-server' },
  ],
  open: async (job) => {
    const home = join(job.directory, 'siteswarm')
    await mkdir(home)
    const topology = join(home, 'topology.yaml')
    await writeFile(topology, topologyFile(job.shape))
    for (const content of job.contents)
      await writeTorrent(join(home, `${content.name}.torrent`), content, [announceUrl(siteTrackerAddress(1))])
    const clusters: SiteCluster[] = []
    for (const site of siteNumbers(job.shape)) clusters.push(await SiteCluster.prepare(home, site, job))
    return {
      logPaths: clusters.flatMap(({ logPaths }) => logPaths),
      observedAt: siteTrackerAddress(1),
      nodes: clusters.flatMap(({ nodes }) => nodes),
      get isRunning() {
        return clusters.every(({ isRunning }) => isRunning)
      },
      start: () => {
        for (const cluster of clusters) cluster.start()
        return Promise.resolve()
      },
      stop: async () => {
        await Promise.all(clusters.map((cluster) => cluster.stop()))
      },
      killSite: (site) => clusters[site - 1]?.kill(),
      store: {
        kill: (site) => clusters[site - 1]?.killStore(),
        start: (site) => clusters[site - 1]?.startStore(),
      },
      torrentFor: (host, content) =>
        rewrittenTorrent({ program: job.program, home, topology }, host, content),
    }
  },
}

function topologyFile(shape: LabShape): string {
  const addresses = (site: number) =>
    Array.from({ length: shape.nodes }, (_, index) => siteTrackerAddress(site, index + 1))
  const sites = siteNumbers(shape).flatMap((site) => [
    `  ${siteName(site)}:`,
    `    cidrs: [${siteCidr(site)}]`,
    `    trackers: [${addresses(site).map(announceUrl).join(', ')}]`,
    `    federation: [${addresses(site)
      .map((address) => `http://${address}:6970`)
      .join(', ')}]`,
    ...bubbleLines(shape, site),
  ])
  return ['sites:', ...sites, ...linkLines(shape), 'unmapped: refuse', ''].join('\n')
}
