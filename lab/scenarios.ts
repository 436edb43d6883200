/**
 * The scenarios, as data: who starts when, what goes wrong and when, and where the shape differs from what the
 * command line says. `run-inside.ts` carries them out; `README.md` says what each is good for.
 */
import { InputError } from '../src/core/errors.ts'

export type Start =
  | { readonly kind: 'at-once' }
  /** Each leecher at a random moment, from the run's seed; in multiples of the bound. */
  | { readonly kind: 'staggered'; readonly overBounds: number }
  /** All of one site later than the others. */
  | { readonly kind: 'late-site'; readonly site: number; readonly afterBounds: number }

export type Moment =
  /** The uplink of a site has brought this share of the content in. */
  | { readonly kind: 'site-holds'; readonly site: number; readonly share: number }
  /** This many leechers are done, in one site or anywhere. */
  | { readonly kind: 'hosts-done'; readonly count: number; readonly site?: number }

export type Trouble =
  /** The host of a site that is connected to the most hosts elsewhere dies without a word. */
  | { readonly kind: 'kill-gateway'; readonly site: number }
  /** The sources say goodbye and leave. */
  | { readonly kind: 'stop-sources' }
  | { readonly kind: 'cut-uplink'; readonly site: number; readonly forSeconds: number }
  | { readonly kind: 'restart-tracker'; readonly downSeconds: number }
  /** All nodes of a site and what they share die; does nothing where the sites share one tracker. */
  | { readonly kind: 'kill-site-tracker'; readonly site: number }

export interface Scenario {
  readonly name: string
  readonly summary: string
  readonly start: Start
  readonly troubles: readonly { readonly when: Moment; readonly what: Trouble }[]
  readonly torrents: number
  readonly isPrivate: boolean
  /** How many tiers of trackers a torrent has. */
  readonly tiers: number
  /** What the scenario needs of the shape and the clients; the command line wins. */
  readonly shape: Partial<{
    sites: number
    hosts: number
    hostsOfSite: Readonly<Record<number, number>>
    bubbles: number
    sizeBytes: number
    client: string
    settings: string
  }>
}

const MIB = 1024 * 1024

const plain: Omit<Scenario, 'name' | 'summary'> = {
  start: { kind: 'at-once' },
  troubles: [],
  torrents: 1,
  isPrivate: true,
  tiers: 1,
  shape: {},
}

export const scenarios: readonly Scenario[] = [
  {
    ...plain,
    name: 'smoke',
    summary: 'two sites of two hosts and 8 MiB: shows in seconds that everything works',
    shape: { sites: 2, hosts: 2, bubbles: 1, sizeBytes: 8 * MIB },
  },
  { ...plain, name: 'flash-crowd', summary: 'all hosts start at once' },
  {
    ...plain,
    name: 'staggered-start',
    summary: 'hosts start one after the other, over one and a half times the bound',
    start: { kind: 'staggered', overBounds: 1.5 },
  },
  {
    ...plain,
    name: 'late-site',
    summary: 'the last site starts when the others should be done',
    start: { kind: 'late-site', site: 3, afterBounds: 1.5 },
  },
  {
    ...plain,
    name: 'source-leaves',
    summary: 'the only source leaves as soon as one other host is complete',
    troubles: [{ when: { kind: 'hosts-done', count: 1 }, what: { kind: 'stop-sources' } }],
  },
  {
    ...plain,
    name: 'gateway-killed',
    summary: 'the gateway of site 2 is killed when half of the file has come in',
    troubles: [
      { when: { kind: 'site-holds', site: 2, share: 0.5 }, what: { kind: 'kill-gateway', site: 2 } },
    ],
  },
  {
    ...plain,
    name: 'wan-cut',
    summary: 'the uplink of site 2 is cut for 20 s when half of the file has come in',
    troubles: [
      {
        when: { kind: 'site-holds', site: 2, share: 0.5 },
        what: { kind: 'cut-uplink', site: 2, forSeconds: 20 },
      },
    ],
  },
  {
    ...plain,
    name: 'rollout-cut',
    summary: 'the uplink of site 2 is cut for a minute in the middle of a rollout',
    troubles: [
      {
        when: { kind: 'site-holds', site: 2, share: 0.5 },
        what: { kind: 'cut-uplink', site: 2, forSeconds: 60 },
      },
    ],
  },
  {
    ...plain,
    name: 'site-tracker-killed',
    summary: 'the nodes of site 2 die before its hosts start, half a bound after the others',
    start: { kind: 'late-site', site: 2, afterBounds: 0.5 },
    troubles: [
      { when: { kind: 'site-holds', site: 3, share: 0.25 }, what: { kind: 'kill-site-tracker', site: 2 } },
    ],
  },
  {
    ...plain,
    name: 'tracker-restarted',
    summary: 'the tracker is away for 5 s when a quarter of the file has come in to site 2',
    troubles: [
      {
        when: { kind: 'site-holds', site: 2, share: 0.25 },
        what: { kind: 'restart-tracker', downSeconds: 5 },
      },
    ],
  },
  {
    ...plain,
    name: 'one-host-site',
    summary: 'the last site has a single host, which has nobody to share with',
    shape: { hostsOfSite: { 3: 1 } },
  },
  {
    ...plain,
    name: 'large-bubble',
    summary: 'bubbles of 20 hosts whose clients ask for 10 peers',
    shape: { hosts: 20, bubbles: 1, sizeBytes: 48 * MIB, client: 'libtorrent', settings: 'few-wanted' },
  },
  {
    ...plain,
    name: 'two-torrents',
    summary: 'two files at once, the second from a source in site 2',
    torrents: 2,
    shape: { sizeBytes: 96 * MIB },
  },
  {
    ...plain,
    name: 'public-torrent',
    summary:
      'a torrent without the private flag: clients tell each other about peers (PEX), whatever the tracker does',
    isPrivate: false,
  },
  {
    ...plain,
    name: 'all-tiers',
    summary: 'clients announce to both tiers at once',
    tiers: 2,
    shape: { client: 'libtorrent', settings: 'all-tiers' },
  },
]

export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name)
  if (found !== undefined) return found
  throw new InputError(`no scenario is called "${name}"; npm run lab -- --list shows them`)
}
